import Foundation
import Testing

@Suite struct CopyFilesTests {
    let folder = TemporaryFolder()

    private func copy(_ arguments: String...) throws -> Program {
        try Program.run(at: Program.path(of: "CopyFiles"), arguments)
    }

    private func bytes(_ path: String) -> Data? { try? Data(contentsOf: URL(fileURLWithPath: path)) }

    private func makeFolder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: false)
        return folder.file(name)
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("pairs of source and target: the same bytes, in a new file, an old one, and one in a folder")
    func pairs() throws {
        // More than one of the parts that files are copied in, and not a whole number of them.
        let large = try #require(try FileHandle(forReadingAtPath: "/dev/urandom")?.read(upToCount: 3_000_001))
        let a = try folder.write(large, to: "a")
        let b = try folder.write("short".utf8, to: "b")
        let c = try folder.write([], to: "c")
        let old = try folder.write(String(repeating: "long", count: 1000).utf8, to: "old")
        let place = try makeFolder("place")
        symlink(place, folder.file("link"))
        let run = try copy(a, folder.file("new"), b, old, c, folder.file("empty"), b, place, a, folder.file("link"))
        #expect(
            run.output == """
                copied \(a) to \(folder.file("new"))
                copied \(b) to \(old)
                copied \(c) to \(folder.file("empty"))
                copied \(b) to \(place)/b
                copied \(a) to \(folder.file("link"))/a

                """, "\(run)")
        #expect(run.errorOutput == "" && run.exitCode == 0)
        #expect(bytes(folder.file("new")) == large && bytes(place + "/a") == large && bytes(a) == large)
        #expect(bytes(old) == Data("short".utf8) && bytes(place + "/b") == Data("short".utf8))
        #expect(bytes(folder.file("empty")) == Data())
    }

    @Test("several sources into a folder")
    func into() throws {
        let sources = try (0..<20).map { number in try folder.write("\(number)".utf8, to: "file \(number)") }
        let place = try makeFolder("place")
        let run = try Program.run(at: Program.path(of: "CopyFiles"), ["--into", place] + sources)
        #expect(run.errorOutput == "" && run.exitCode == 0)
        #expect(run.output.hasPrefix("copied \(sources[0]) to \(place)/file 0\n"), "\(run)")
        for number in 0..<20 { #expect(bytes("\(place)/file \(number)") == Data("\(number)".utf8)) }
    }

    @Test("a new file gets its source's permissions, an old one keeps its own")
    func permissions() throws {
        let source = try folder.write("a".utf8, to: "a")
        let old = try folder.write("b".utf8, to: "b")
        chmod(source, 0o440)
        chmod(old, 0o600)
        #expect(try copy(source, folder.file("new"), source, old).exitCode == 0)
        #expect(try permissions(folder.file("new")) == 0o440)
        #expect(try permissions(old) == 0o600)
    }

    /// What is told of copies that fail; another is made beside them.
    private func failure(_ arguments: String...) throws -> String {
        let good = try folder.write("good".utf8, to: "good")
        unlink(folder.file("copy"))
        let run = try Program.run(at: Program.path(of: "CopyFiles"), arguments + [good, folder.file("copy")])
        #expect(run.output == "copied \(good) to \(folder.file("copy"))\n", "\(run)")
        #expect(run.exitCode == 1)
        #expect(bytes(folder.file("copy")) == Data("good".utf8))
        return run.errorOutput
    }

    @Test("a source that does not exist, or is no file")
    func noSource() throws {
        let (none, target) = (folder.file("none"), folder.file("target"))
        #expect(try failure(none, target) == "CopyFiles: \(none) to \(target): No such file or directory\n")
        let place = try makeFolder("place")
        let irregular = "the source is not a regular file\n"
        #expect(try failure(place, target) == "CopyFiles: \(place) to \(target): \(irregular)")
        // Opening it would wait for somebody to write.
        mkfifo(folder.file("pipe"), 0o600)
        #expect(
            try failure(folder.file("pipe"), target) == "CopyFiles: \(folder.file("pipe")) to \(target): \(irregular)")
        #expect(bytes(target) == nil)
    }

    @Test("a target that cannot be made, or is no file")
    func noTarget() throws {
        let source = try folder.write("a".utf8, to: "a")
        func expectFailure(_ target: String, _ reason: String, _ line: Int = #line) throws {
            #expect(try failure(source, target) == "CopyFiles: \(source) to \(target): \(reason)\n", "line \(line)")
        }
        try expectFailure(folder.file("none") + "/a", "No such file or directory")
        let file = try folder.write("b".utf8, to: "b")
        try expectFailure(file + "/a", "Not a directory")
        #expect(bytes(file) == Data("b".utf8))
        try expectFailure("/dev/null", "the target is not a regular file")
        let taken = try makeFolder("place") + "/a"
        mkfifo(taken, 0o600)
        try expectFailure(taken, "the target is not a regular file")
    }

    @Test("a target that may not be written to", .enabled(if: geteuid() != 0, "root may write everywhere"))
    func unwritable() throws {
        let source = try folder.write("a".utf8, to: "a")
        let target = try folder.write("old".utf8, to: "target")
        chmod(target, 0o400)
        #expect(try failure(source, target) == "CopyFiles: \(source) to \(target): Permission denied\n")
        #expect(bytes(target) == Data("old".utf8))
    }

    @Test("a target that takes a part only")
    func noRoom() throws {
        let source = try folder.write([UInt8](repeating: 1, count: 1_000_000), to: "a")
        let target = folder.file("target")
        // A limit for what any file may grow to stands in for a full disk.
        let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""
        let run = try Program.run(at: "/bin/sh", ["-c", script, Program.path(of: "CopyFiles"), source, target])
        #expect(run.errorOutput == "CopyFiles: \(source) to \(target): File too large\n", "\(run)")
        #expect(run.output == "" && run.exitCode == 1)
    }

    @Test("a source that is its own target, by whatever name, is left as it is")
    func sameFile() throws {
        let file = try folder.write("bytes".utf8, to: "file")
        symlink(file, folder.file("symbolic"))
        link(file, folder.file("hard"))
        for name in [file, folder.path + "/./file", folder.path, folder.file("symbolic"), folder.file("hard")] {
            let target = name == folder.path ? file : name
            #expect(try failure(file, name) == "CopyFiles: \(file) to \(target): they are the same file\n")
            #expect(bytes(file) == Data("bytes".utf8))
        }
    }

    @Test("copies that would meet in a file are refused, and nothing is copied")
    func meetingCopies() throws {
        let a = try folder.write("a".utf8, to: "a")
        let b = try folder.write("b".utf8, to: "b")
        let place = try makeFolder("place")
        symlink(place, folder.file("link"))
        let other = try folder.write("c".utf8, to: "place/a")
        func expectRefusal(_ arguments: String..., at target: String, _ line: Int = #line) throws {
            let run = try Program.run(at: Program.path(of: "CopyFiles"), arguments)
            let message = "Error: '\(target)' would be written to by one copy and used by another\n"
            #expect(
                run.errorOutput.hasPrefix(message) && run.output == "" && run.exitCode == 64, "line \(line): \(run)")
        }
        try expectRefusal(a, folder.file("x"), b, folder.file("x"), at: folder.file("x"))
        try expectRefusal(a, folder.file("x"), folder.file("x"), folder.file("y"), at: folder.file("x"))
        try expectRefusal(a, place + "/x", b, folder.file("link") + "/x", at: place + "/x")
        try expectRefusal("--into", place, a, b, other, at: other)
        for name in ["x", "y", "place/x", "place/b"] { #expect(bytes(folder.file(name)) == nil) }
        #expect(bytes(other) == Data("c".utf8))
        // Two copies may read one file.
        #expect(try copy(a, folder.file("x"), a, folder.file("y")).exitCode == 0)
    }

    @Test("wrong command lines; and help, which is none")
    func commandLine() throws {
        func expectError(_ arguments: String..., message: String) throws {
            let run = try Program.run(at: Program.path(of: "CopyFiles"), arguments)
            #expect(run.errorOutput.hasPrefix("Error: \(message)\n"), "\(run)")
            #expect(run.errorOutput.contains("CopyFiles <source> <target> [<source> <target> ...]"), "\(run)")
            #expect(run.output == "" && run.exitCode == 64)
        }
        try expectError(message: "Missing expected argument '<file> ...'")
        try expectError("a", "b", "c", message: "'c' has no target")
        try expectError("--into", "a", message: "Missing expected argument '<file> ...'")
        let help = try copy("--help")
        #expect(help.output.contains("--into <folder>"))
        #expect(help.errorOutput == "" && help.exitCode == 0)
    }
}
