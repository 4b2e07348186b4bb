import Foundation
import Testing

/// The program, run as a user does.
@Suite struct WordCountTests {
    let folder = TemporaryFolder()

    @Test("the most frequent words, how many there are, times, memory, and that both counts agree")
    func report() throws {
        let file = try folder.write("one two two\nthree three three\n".utf8, to: "text")
        let run = try Program.run("WordCount", file, "--workers", "2", "--top", "2", "--chunk-size", "1")
        #expect(run.output.hasPrefix("         3  three\n         2  two\n6 words, 3 of them different, in "), "\(run)")
        #expect(run.output.contains("\n2 worker processes: "))
        #expect(run.output.contains("MB in the largest worker\nserially: "))
        #expect(run.output.hasSuffix("\nboth counted the same words the same number of times\n"))
        #expect(run.errorOutput == "" || run.errorOutput.hasPrefix("WordCount: counting"))
        #expect(run.exitCode == 0)
    }

    @Test("a text of many chunks is counted the same by workers and serially, with a few lines on the way")
    func manyChunks() throws {
        let line = "the quick brown fox jumps over the lazy dog 0123456789 abcdefghijklmnopqrstuvwxyz\n"
        let file = try folder.write(String(repeating: line, count: 20_000).utf8, to: "text")
        let run = try Program.run("WordCount", file, "--chunk-size", "10K")
        #expect(run.output.hasPrefix("     40000  the\n"), "\(run)")
        #expect(run.output.contains("both counted the same"))
        let lines = run.errorOutput.split(separator: "\n")
        #expect(lines.count == 6, "\(run.errorOutput)")
        #expect(lines.first?.hasPrefix("WordCount: counting in worker processes: 25 % of 1.6 MB, ") == true)
    }

    @Test("standard input works where it is a file, though a worker has another")
    func standardInput() throws {
        let file = try folder.write("a b a".utf8, to: "text")
        let run = try Program.run("WordCount", "/dev/stdin", "--no-serial", input: file)
        #expect(run.output.hasPrefix("         2  a\n         1  b\n3 words, 2 of them different, in "), "\(run)")
    }

    // MARK: Files

    /// What goes to standard error, if the program ends with this code and prints nothing else.
    private func failure(_ code: Int32, _ arguments: String...) throws -> String {
        try failure(code, arguments: arguments)
    }

    private func failure(_ code: Int32, arguments: [String]) throws -> String {
        let run = try Program.run(at: Program.path(of: "WordCount"), arguments)
        #expect(run.exitCode == code && run.output == "", "\(run)")
        return run.errorOutput
    }

    @Test("a file that does not exist, is a directory, or is no file")
    func noFile() throws {
        let missing = folder.file("missing")
        #expect(try failure(1, missing) == "WordCount: \(missing): No such file or directory\n")
        #expect(try failure(1, folder.path) == "WordCount: \(folder.path): Is a directory\n")
        #expect(
            try failure(1, "/dev/null")
                == "WordCount: /dev/null: not a regular file, of which workers could read parts\n")
        #expect(try failure(1, "") == "WordCount: : No such file or directory\n")
    }

    @Test("a file that may not be read", .enabled(if: geteuid() != 0, "root may read everything"))
    func unreadable() throws {
        let file = try folder.write("a".utf8, to: "text")
        chmod(file, 0)
        #expect(try failure(1, file) == "WordCount: \(file): Permission denied\n")
    }

    @Test("an empty file has no words")
    func empty() throws {
        let file = try folder.write([], to: "text")
        let run = try Program.run("WordCount", file)
        #expect(run.output == "\(file) is empty: no words\n")
        #expect(run.errorOutput == "" && run.exitCode == 0)
    }

    @Test("a file without a newline at its end, and one without a word")
    func noNewline() throws {
        let file = try folder.write("a\nb b".utf8, to: "text")
        #expect(
            try Program.run("WordCount", file, "--chunk-size", "1").output.hasPrefix("         2  b\n         1  a\n"))
        let wordless = try folder.write("...\n".utf8, to: "dots")
        let run = try Program.run("WordCount", wordless)
        #expect(run.output.hasPrefix("0 words, 0 of them different, in "), "\(run)")
        #expect(run.exitCode == 0)
    }

    @Test("a binary file: NULs separate words, and no control character reaches the terminal")
    func binary() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 256 ^ $0) } + "\0a\0\u{9b}31m\0a\0".utf8
        let file = try folder.write(bytes, to: "binary")
        let run = try Program.run("WordCount", file, "--top", "100000")
        #expect(run.output.hasSuffix("both counted the same words the same number of times\n"), "\(run.errorOutput)")
        #expect(run.output.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        #expect(run.output.contains("  \u{fffd}31m\n"))
    }

    @Test("one line of 200 MB is one chunk: it takes its size in a worker, and little here")
    func longLine() throws {
        let piece = Array("the whole file is a single line ".utf8)
        let file = folder.file("line")
        let handle = try folder.makeFile("line")
        let block = Data([[UInt8]](repeating: piece, count: 32_768).joined())
        for _ in 0..<200 { handle.write(block) }
        let run = try Program.run("WordCount", file, "--no-serial", "--top", "1")
        #expect(run.output.hasPrefix("   6553600  the\n45875200 words, 7 of them different, in 209.7 MB\n"), "\(run)")
        let memory = try #require(
            run.output.firstMatch(of: /peak memory: ([0-9.]+) MB here, ([0-9.]+) MB in the largest/))
        #expect(try #require(Double(memory.1)) < 100)
        #expect(try #require(Double(memory.2)) < 300)
    }

    @Test("a result that cannot be written is an error")
    func fullDisk() throws {
        let file = try folder.write("a".utf8, to: "text")
        let run = try Program.run(
            at: "/bin/sh", ["-c", "\"$0\" \"$1\" >/dev/full", Program.path(of: "WordCount"), file])
        #expect(run.errorOutput == "WordCount: the result cannot be written: No space left on device\n")
        #expect(run.exitCode == 1)
    }

    // MARK: The command line

    @Test(
        "numbers that are too small or too large, or none",
        arguments: [
            (["--workers", "0"], "--workers must be at least 1, not 0"),
            (["--workers=-3"], "--workers must be at least 1, not -3"),
            (["--chunk-size", "0"], "--chunk-size must be at least 1, not 0"),
            (["--chunk-size=-1K"], "--chunk-size must be at least 1, not -1024"),
            (["--chunk-size", "2G"], "--chunk-size must be at most 1G, not 2G"),
            (["--chunk-size", "9999999999G"], "The value '9999999999G' is invalid for '--chunk-size <size>'"),
            (["--chunk-size", "1X"], "The value '1X' is invalid for '--chunk-size <size>'"),
            (["--top=-1"], "--top must be at least 0, not -1"),
            (["--workers", "many"], "The value 'many' is invalid for '--workers <n>'"),
            (["--colour"], "Unknown option '--colour'"),
            (["other"], "Unexpected argument 'other'"),
        ])
    func wrongOptions(arguments: [String], message: String) throws {
        let file = try folder.write("a".utf8, to: "text")
        let text = try failure(64, arguments: [file] + arguments)
        #expect(text.hasPrefix("WordCount: \(message)\n"), "\(text)")
        #expect(text.contains("Usage: WordCount <file>"))
    }

    @Test("no file at all; and help, which is no error")
    func noArguments() throws {
        #expect(try failure(64).hasPrefix("WordCount: Missing expected argument '<file>'\n"))
        let help = try Program.run("WordCount", "--help")
        #expect(help.output.contains("--chunk-size <size>"))
        #expect(help.output.contains("A word is a run of ASCII letters"))
        #expect(help.errorOutput == "" && help.exitCode == 0)
    }
}
