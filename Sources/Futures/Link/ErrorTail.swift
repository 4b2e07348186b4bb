/// Makes the end of a standard error readable: what a person needs of it, and no more.
enum ErrorTail {
    /// Lines that a report shows at most.
    static let lineLimit = 40

    /// - Parameters:
    ///   - bytes: the last bytes that were written.
    ///   - isCut: whether there were more before them, so that the first line may be the end of one.
    static func text(of bytes: [UInt8], isCut: Bool) -> String {
        var bytes = bytes[...]
        if isCut, let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) { bytes = bytes[(newline + 1)...] }
        // To Swift "\r\n" is one character and no "\n"; and a progress bar ends its lines with "\r".
        var lines = String(decoding: bytes, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        // Swift's crash report goes on with registers and loaded libraries; the error and the stack are before them.
        if lines.contains(where: { $0.hasPrefix("*** Signal ") }),
            let registers = lines.lastIndex(where: { $0.hasPrefix("Registers:") })
        {
            lines.removeSubrange(registers...)
        }
        lines.removeAll { $0.allSatisfy(\.isWhitespace) }
        // With a crash the beginning matters, otherwise the end.
        if let crash = lines.lastIndex(where: { $0.contains("Fatal error") || $0.hasPrefix("*** Signal ") }) {
            let start = max(0, crash - 5)
            lines = Array(lines[start..<min(lines.count, start + lineLimit)])
        } else if lines.count > lineLimit {
            lines.removeFirst(lines.count - lineLimit)
        }
        return lines.joined(separator: "\n")
    }
}
