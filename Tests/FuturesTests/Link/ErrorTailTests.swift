import Testing

@testable import Futures

@Suite struct ErrorTailTests {
    private func tail(_ text: String, isCut: Bool = false) -> [Substring] {
        ErrorTail.text(of: Array(text.utf8), isCut: isCut).split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test("the end of long output is shown, forty lines of it, without empty ones")
    func longOutput() {
        let lines = (1...60).map { "line \($0)" }
        #expect(tail(lines.joined(separator: "\n\n \n")) == lines.suffix(40).map { $0[...] })
    }

    @Test("the first line is left out if it may be the end of one")
    func cutOutput() {
        #expect(tail("alf a line\nwhole\n", isCut: true) == ["whole"])
        #expect(tail("a line\nwhole\n") == ["a line", "whole"])
    }

    @Test("lines may end as on other systems, and as those of a progress bar do", arguments: ["\r\n", "\r"])
    func otherNewlines(newline: String) {
        let lines = (1...60).map { "line \($0)" }
        #expect(tail(lines.joined(separator: newline)) == lines.suffix(40).map { $0[...] })
    }
}
