import Glibc

/// How long things took: how many of them for each of some lengths, each a quarter of an octave. A plain value.
struct TimeHistogram {
    /// The shortest that is told from others, in nanoseconds.
    static let least = 100.0
    private static let bucketsForOctave = 4
    /// Up to about 100 hours.
    private static let most = 168

    private(set) var counts: [Int] = []
    private(set) var count = 0
    /// In nanoseconds.
    private(set) var sum = 0.0
    private(set) var longest = 0.0

    /// So many took so long, each.
    mutating func add(_ nanoseconds: Double, count: Int = 1) {
        guard count > 0 else { return }
        let time = max(nanoseconds, 0)
        let octave = time > Self.least ? log2(time / Self.least) : 0
        let bucket = min(Int(octave * Double(Self.bucketsForOctave)), Self.most - 1)
        if counts.count <= bucket { counts += repeatElement(0, count: bucket + 1 - counts.count) }
        counts[bucket] += count
        self.count += count
        sum += time * Double(count)
        longest = max(longest, time)
    }

    var mean: Double { count > 0 ? sum / Double(count) : 0 }

    /// Where a bucket begins, in nanoseconds.
    static func lowerBound(_ bucket: Int) -> Double { least * exp2(Double(bucket) / Double(bucketsForOctave)) }

    /// What this part of all, 0 to 1, took at most, to a quarter of an octave.
    func quantile(_ part: Double) -> Double {
        var left = part * Double(count)
        for (bucket, count) in counts.enumerated() {
            left -= Double(count)
            if left <= 0 { return min(Self.lowerBound(bucket + 1), longest) }
        }
        return longest
    }

    /// The buckets from the first to the last that have something, in groups of 1, 2 or 4, so that there are not too many.
    func groups(most: Int) -> [(from: Double, to: Double, count: Int)] {
        guard let first = counts.firstIndex(where: { $0 > 0 }) else { return [] }
        var size = 1
        while (counts.count - first) / size > most, size < 4 { size *= 2 }
        let start = first / size * size
        return stride(from: start, to: counts.count, by: size).map { bucket in
            (
                Self.lowerBound(bucket), Self.lowerBound(bucket + size),
                counts[bucket..<min(bucket + size, counts.count)].reduce(0, +)
            )
        }
    }
}
