/// How much happened when, in bins that become wider as time goes by: as many of them for a second as for a day. A plain value.
struct TimeBins {
    struct Bin {
        var elements = 0.0
        var failures = 0.0
    }

    /// How many bins there are at most; even.
    static let most = 240

    /// In nanoseconds.
    private(set) var width: Int64 = 10_000_000
    private(set) var bins: [Bin] = []

    /// So many elements were done between two times, evenly; in nanoseconds since the beginning.
    mutating func add(elements: Int, failures: Int, from began: Int64, to ended: Int64) {
        let ended = max(ended, 0)
        let began = min(max(began, 0), ended)
        while ended / width >= Int64(Self.most) { widen() }
        let (first, last) = (Int(began / width), Int(ended / width))
        if bins.count <= last { bins += repeatElement(Bin(), count: last + 1 - bins.count) }
        for index in first...last {
            let share = Self.overlap(began, ended, Int64(index) * width, width)
            bins[index].elements += Double(elements) * share
            bins[index].failures += Double(failures) * share
        }
    }

    /// Which part of a time is in a bin; of a moment, all.
    private static func overlap(_ began: Int64, _ ended: Int64, _ start: Int64, _ width: Int64) -> Double {
        guard ended > began else { return 1 }
        return Double(min(ended, start + width) - max(began, start)) / Double(ended - began)
    }

    private mutating func widen() {
        width *= 2
        bins = stride(from: 0, to: bins.count, by: 2).map { index in
            var bin = bins[index]
            if index + 1 < bins.count {
                bin.elements += bins[index + 1].elements
                bin.failures += bins[index + 1].failures
            }
            return bin
        }
    }
}
