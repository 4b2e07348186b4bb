import TestSupport
import Testing
import Wire

@testable import Futures

@Suite struct RecordScannerTests {
    /// The records of a text, scanned in pieces of so many bytes.
    private func records(_ text: String, _ format: RecordFormat, pieces: Int = .max) -> [String] {
        let bytes = Array(text.utf8)
        var scanner = RecordScanner(format)
        var ends: [Int] = []
        bytes.withUnsafeBytes { bytes in
            var position = 0
            while position < bytes.count {
                let count = min(pieces, bytes.count - position)
                let window = UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
                let end = scanner.firstEnd(in: window)
                if let end { ends.append(position + end) }
                position += end ?? count
            }
        }
        if ends.last ?? 0 < bytes.count { ends.append(bytes.count) }
        return bytes.withUnsafeBytes { bytes in
            zip([0] + ends, ends).map { start, end in
                let content = format.content(of: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                return String(decoding: content, as: UTF8.self)
            }
        }
    }

    @Test(
        "records end where their format says",
        arguments: [
            (RecordFormat.lines, "one\ntwo\r\n\nfour", ["one", "two", "", "four"]),
            (.lines, "\n", [""]), (.lines, "", []), (.lines, "a\rb\0c\n", ["a\rb\0c"]),
            (.nullDelimited, "a\nb\0c\0\0", ["a\nb", "c", ""]),
            (.delimited(by: UInt8(ascii: ";")), "a;b\r;c", ["a", "b\r", "c"]),
            (.fixed(size: 3), "abcdefgh", ["abc", "def", "gh"]), (.fixed(size: 8), "abcdefgh", ["abcdefgh"]),
            (.csv(), "a,b\r\n1,2\n", ["a,b", "1,2"]),
            (.csv(), "a,\"b\nc\"\nd", ["a,\"b\nc\"", "d"]),
            (.csv(), "\"a\"\"\n\",b\n\"\"\nc", ["\"a\"\"\n\",b", "\"\"", "c"]),
            // A quote within a field that does not begin with one is nothing special, and neither is what is behind a quoted one.
            (.csv(), "5\" pipe\n6\"\n", ["5\" pipe", "6\""]), (.csv(), "\"a\"b\"\nc\n", ["\"a\"b\"", "c"]),
            (.csv(separator: ";"), "a;\"\n\"\n,\"\n", ["a;\"\n\"", ",\""]),
            (.csv(), "\u{FEFF}\"a,\n\",b\nc\n", ["\u{FEFF}\"a,\n\",b", "c"]),
            (.csv(), "\u{FEA1}\"\n\"\n", ["\u{FEA1}\"", "\""]),
            (.jsonLines, "{}\r\n\n[1]\n3", ["{}", "", "[1]", "3"]), (.whole, "a\n\0b\n", ["a\n\0b\n"]),
            (.whole, "", []),
            (.csv(), "\"never closed\n\n", ["\"never closed\n"]),
        ] as [(RecordFormat, String, [String])])
    func ends(format: RecordFormat, text: String, expected: [String]) {
        #expect(records(text, format) == expected)
    }

    @Test("how the bytes come makes no difference", arguments: [1, 2, 3, 5, 7, 64])
    func comesInPieces(size: Int) {
        let formats: [RecordFormat] = [
            .lines, .nullDelimited, .csv(), .csv(separator: "\t"), .fixed(size: 5), .jsonLines, .whole,
        ]
        var random = SplitMix(seed: UInt64(size))
        for _ in 0..<300 {
            let text = String(
                (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    "ab\"\"\n\n\r,\t\0".randomElement(using: &random)!
                })
            for format in formats { #expect(records(text, format, pieces: size) == records(text, format)) }
        }
    }

    @Test("blank lines among lines of JSON are no records, and count as lines")
    func blankLines() throws {
        let text = "\n{\"a\": 1}\r\n \t\r\n\r\n\u{A0}\n\n2"
        let chunk = RecordChunk(Array(text.utf8), format: .jsonLines)
        #expect(try chunk.strings() == ["{\"a\": 1}", "\u{A0}", "2"])
        var walk = RecordWalk(.jsonLines)
        var lines: [Int] = []
        var records: [String] = []
        Array(text.utf8).withUnsafeBytes { bytes in
            while let record = walk.next(in: bytes) {
                lines.append(walk.lines)
                records.append(String(decoding: record, as: UTF8.self))
            }
        }
        #expect(lines == [2, 5, 7])
        #expect(records == ["{\"a\": 1}\r\n", "\u{A0}\n", "2"])
        #expect(try RecordChunk(Array("\n \n\t".utf8), format: .jsonLines).strings().isEmpty)
    }

    /// What somebody else may have written.
    private struct Forged: Codable {
        let kind: Int
        let value: Int

        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            try container.encode(kind)
            try container.encode(value)
        }
    }

    private func format(_ kind: Int, _ value: Int) throws -> RecordFormat {
        var encoder = PayloadEncoder()
        try ValueCodec<Forged>().encode(Forged(kind: kind, value: value), into: &encoder)
        var decoder = try PayloadDecoder(payload: encoder.finish())
        return try ValueCodec<RecordFormat>().decode(from: &decoder)
    }

    @Test("formats travel; one that cannot be is refused")
    func travels() throws {
        #expect(try format(0, 10) == .lines)
        #expect(try format(1, 0) == .nullDelimited)
        #expect(try format(2, 44) == .csv())
        #expect(try format(3, 7) == .fixed(size: 7))
        for (kind, value) in [(0, 11), (1, 256), (1, -1), (2, 34), (2, 200), (3, 0), (3, -1), (4, 1), (5, 0), (-1, 0)] {
            #expect(throws: (any Error).self) { try format(kind, value) }
        }
        for format in [
            RecordFormat.lines, .nullDelimited, .csv(separator: ";"), .fixed(size: 1 << 40), .jsonLines, .whole,
        ] {
            var encoder = PayloadEncoder()
            try ValueCodec<RecordFormat>().encode(format, into: &encoder)
            var decoder = try PayloadDecoder(payload: encoder.finish())
            #expect(try ValueCodec<RecordFormat>().decode(from: &decoder) == format)
        }
    }
}
