/// Makes the end of a standard error readable: what a person needs of it, and no more.
enum ErrorTail {
    /// Lines that a report shows at most.
    static let lineLimit = 40
    /// Lines before the one that tells of a failure: what the program was at.
    private static let linesBefore = 5

    /// - Parameters:
    ///   - bytes: the last bytes that were written.
    ///   - isCut: whether there were more before them, so that the first line may be the end of one.
    static func text(of bytes: [UInt8], isCut: Bool) -> String {
        var bytes = bytes[...]
        if isCut, let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) { bytes = bytes[(newline + 1)...] }
        // To Swift "\r\n" is one character and no "\n"; and a progress bar ends its lines with "\r".
        var lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        lines.removeAll { $0.allSatisfy(\.isWhitespace) }
        return shown(lines[...]).joined(separator: "\n")
    }

    /// With a crash the beginning matters, otherwise the end.
    private static func shown(_ lines: ArraySlice<Substring>) -> [String] {
        if let start = lines.lastIndex(where: CrashReport.isBeginning) {
            var before = Array(lines[..<start].suffix(linesBefore + 1))
            let failure = lines[..<start].lastIndex(where: saysWhatFailed)
            // Others may have written after it.
            if let failure, failure < start - before.count { before[0] = lines[failure] }
            let report = CrashReport(lines[start...], lineLimit: lineLimit - before.count)
            return before.map(String.init) + report.lines
        }
        if let failure = lines.lastIndex(where: saysWhatFailed) {
            return lines[max(lines.startIndex, failure - linesBefore)...].prefix(lineLimit).map(String.init)
        }
        return lines.suffix(lineLimit).map(String.init)
    }

    /// The lines of Swift's standard library and runtime that a crash begins with; some have a file before them.
    private static func saysWhatFailed(_ line: Substring) -> Bool {
        ["Fatal error: ", "Precondition failed", "Assertion failed", "Could not cast value of type "]
            .contains { line.contains($0) }
    }
}
