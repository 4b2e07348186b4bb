/// The last words of a worker that died. The first byte says whether there were more before; the words follow.
enum ErrorTailTarget: Target {
    static let name = "stderr"
    static let longestInput = 32 << 10

    static func seeds() throws -> [[UInt8]] {
        let texts = [
            "", "one\n\n \ntwo\n",
            "M/f.swift:3: Fatal error: Index out of range\n*** Signal 4: Backtracing from 0x1...\n",
            "*** Signal 11\nThread 0 crashed:\n0 0x1 f() in x\nRegisters:\nrax 0x1\nImages (2 omitted):\n",
            "*** Signal 11\n" + String(repeating: "*** Program crashed: A\n", count: 50),
            String(repeating: "line\n", count: 60) + "\u{1F9F5}\u{301}\r\n\rend",
        ]
        return texts.flatMap { text in [[0], [1]].map { $0 + Array(text.utf8) } }
    }

    static func run(_ input: inout Input) {
        let isCut = input.byte() & 1 != 0
        let bytes = input.bytes
        let text = ErrorTail.text(of: bytes, isCut: isCut)
        // A byte that is no UTF-8 becomes three.
        require(text.utf8.count <= 3 * bytes.count, "the tail is longer than what was written")
        // However they end.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        require(lines.count <= ErrorTail.lineLimit, "the tail has \(lines.count) lines")
        require(text.isEmpty || !lines.contains { $0.allSatisfy(\.isWhitespace) }, "the tail has empty lines")
    }
}
