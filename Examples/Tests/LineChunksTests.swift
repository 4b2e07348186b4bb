import Testing

@testable import WordCount

@Suite struct LineChunksTests {
    /// The chunks of a text, and whether they are as they should be: the text, cut at ends of lines as early as the size
    /// allows.
    private func chunks(_ text: String, size: Int) throws -> [String] {
        let folder = TemporaryFolder()
        let file = try InputFile(try folder.write(text.utf8, to: "text"))
        return try LineChunks(file: file, size: size).map { String(decoding: try $0.read(), as: UTF8.self) }
    }

    @Test("a chunk ends with the first line that reaches the size")
    func cuts() throws {
        #expect(try chunks("a\nb\nc\n", size: 1) == ["a\n", "b\n", "c\n"])
        #expect(try chunks("a\nb\nc\n", size: 2) == ["a\n", "b\n", "c\n"])
        #expect(try chunks("a\nb\nc\n", size: 3) == ["a\nb\n", "c\n"])
        #expect(try chunks("a\nb\nc\n", size: 100) == ["a\nb\nc\n"])
        #expect(try chunks("\n\n\n", size: 1) == ["\n", "\n", "\n"])
    }

    @Test("a line longer than the size is a chunk; a text need not end with a newline")
    func longLines() throws {
        let long = String(repeating: "x", count: 10_000)
        #expect(try chunks("a\n\(long)\nb", size: 3) == ["a\n\(long)\n", "b"])
        #expect(try chunks("a\n\(long)", size: 2) == ["a\n", long])
        #expect(try chunks(long, size: 2) == [long])
        #expect(try chunks("", size: 2) == [])
    }

    @Test("a file that became shorter, or is gone, is an error")
    func changedFiles() throws {
        let folder = TemporaryFolder()
        let path = try folder.write("0123456789".utf8, to: "text")
        func message(_ chunk: Chunk) -> String {
            do throws(FileError) {
                return "no error, but \(try chunk.read())"
            } catch {
                return "\(error)"
            }
        }
        #expect(
            message(Chunk(path: path, offset: 5, size: 6)).hasSuffix("/text: became shorter while it was read"))
        let missing = folder.file("missing")
        #expect(message(Chunk(path: missing, offset: 0, size: 1)) == "\(missing): No such file or directory")
    }

    @Test("whatever the text and the size, the chunks make up the text", arguments: [1, 2, 3, 4])
    func randomTexts(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let text = String((0..<20_000).map { _ in Int.random(in: 0..<40, using: &random) == 0 ? "\n" : "x" })
        for size in [1, 7, 100, 4096, 5000, 19_999, 20_000, 20_001] {
            let chunks = try chunks(text, size: size)
            #expect(chunks.joined() == text)
            for chunk in chunks.dropLast() {
                #expect(chunk.hasSuffix("\n") && chunk.utf8.count >= size)
                #expect(!chunk.dropLast().dropFirst(size - 1).contains("\n"))
            }
        }
    }
}
