import ArgumentParser

/// A number of bytes on the command line: 4096, 64K, 1M, 2G.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
    var bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        var digits = argument[...]
        var unit = 1
        if let suffix = digits.last, let power = "KMG".firstIndex(of: Character(suffix.uppercased())) {
            unit = 1 << (10 * ("KMG".distance(from: "KMG".startIndex, to: power) + 1))
            digits.removeLast()
        }
        guard let number = Int(digits) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    var description: String {
        for (letter, shift) in [("G", 30), ("M", 20), ("K", 10)] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(letter)"
        }
        return "\(bytes)"
    }
}
