import Testing

@testable import WordCount

@Suite struct WordTableTests {
    private func table(_ text: String) -> WordTable {
        var table = WordTable()
        table.count(Array(text.utf8))
        return table
    }

    private func counts(_ table: WordTable) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: table.top(.max).map { ($0.word, $0.count) })
    }

    @Test("words are runs of letters, digits and what is beyond ASCII; letters of ASCII in lower case")
    func words() {
        #expect(
            counts(table("The the THE; don't 4x4\tÄrger ärger\n\0nul")) == [
                "the": 3, "don": 1, "t": 1, "4x4": 1, "Ärger": 1, "ärger": 1, "nul": 1,
            ])
        #expect(counts(table("")) == [:])
        #expect(counts(table(" .,\n")) == [:])
        #expect(counts(table("a")) == ["a": 1])
    }

    @Test("words that share their first eight bytes, or are as long, are told apart")
    func similarWords() {
        let words = ["12345678", "123456789", "123456780", "1234567812345678", "1234567812345679", "12345678 2345678"]
        let counted = counts(table(words.joined(separator: "\n")))
        #expect(
            counted == [
                "12345678": 2, "123456789": 1, "123456780": 1, "1234567812345678": 1, "1234567812345679": 1,
                "2345678": 1,
            ])
    }

    @Test("the same as a dictionary counts, in one piece and merged from pieces", arguments: [1, 2, 3])
    func randomTexts(seed: UInt64) {
        var random = SplitMix64(state: seed)
        var expected: [String: Int] = [:]
        var lines: [String] = []
        for _ in 0..<3000 {
            let words = (0..<Int.random(in: 0...10, using: &random)).map { _ in
                let length = Int.random(in: 1...(random.next() % 8 == 0 ? 30 : 3), using: &random)
                return String((0..<length).map { _ in "abé1".randomElement(using: &random)! })
            }
            for word in words { expected[word, default: 0] += 1 }
            lines.append(words.joined(separator: " "))
        }
        let whole = table(lines.joined(separator: "\n"))
        #expect(counts(whole) == expected)
        #expect(whole.total == expected.values.reduce(0, +))
        var merged = WordTable()
        for start in stride(from: 0, to: lines.count, by: 700) {
            merged.merge(table(lines[start..<min(start + 700, lines.count)].joined(separator: "\n")).packed)
        }
        #expect(merged == whole)
    }

    @Test("the most frequent first; of equally frequent ones that which came first")
    func order() {
        #expect(table("c b a b d c b").top(3).map(\.word) == ["b", "c", "a"])
    }
}

/// Sebastiano Vigna's generator: the same numbers for the same seed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
