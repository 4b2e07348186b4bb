import TestSupport
import Testing

/// `docs/worker-host.1`, and what the program says itself.
@Suite(.serialized) struct ManualPageTests {
    private let shell = Shell()

    /// The lines of the page.
    private func page() throws -> [Substring] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let lines = ProcFiles.lines(of: "/\(root)/docs/worker-host.1")
        try #require(!lines.isEmpty)
        return lines
    }

    /// The options that a section of the page describes, as they are written on a command line.
    private func described(in section: String) throws -> Set<String> {
        let lines = try page().drop { $0 != ".Ss \(section)" }.dropFirst().prefix {
            !$0.hasPrefix(".Ss ") && !$0.hasPrefix(".Sh ")
        }
        return Set(
            lines.filter { $0.hasPrefix(".It Fl ") }.flatMap { line in
                line.matches(of: /Fl (-?[a-z][a-z-]*)/).map { "-\($0.1)" }
            })
    }

    @Test("has every option that --help has, and no other", arguments: ["map", "functions", "serve"])
    func options(command: String) throws {
        let help = try shell.run("$W \(command) --help").output
        var known: Set<String> = []
        for line in help.split(separator: "\n") where line.hasPrefix("  -") {
            // Behind two spaces there is what it is for.
            let names = String(line.dropFirst(2)).split(separator: "  ")[0]
            for name in names.split(whereSeparator: { " ,/".contains($0) }) where name.hasPrefix("-") {
                known.insert(String(name))
            }
        }
        #expect(known.count >= 3)
        #expect(try described(in: "Options of \(command)") == known)
    }

    @Test("has every command, every function that is built in, and every exit code that --help has")
    func rest() throws {
        let text = try page().joined(separator: "\n") + "\n"
        for name in ["map", "functions", "serve", "help"] { #expect(text.contains("\n.It Cm \(name)\n"), "\(name)") }
        let functions = try shell.run("$W functions | sed -n 's/^  [* ] \\([a-z0-9_]*\\)(.*/\\1/p'").output
        #expect(functions.split(separator: "\n").contains("count_matching"), "\(functions)")
        let described = Set(
            text.matches(of: /\n\.It Ic ([a-z0-9_ ,]+)/).flatMap { $0.1.split(whereSeparator: { " ,".contains($0) }) })
        #expect(described == Set(functions.split(separator: "\n")))
        for command in ["map", "functions", "serve"] {
            let help = try shell.run("$W \(command) --help").output
            let words = try #require(help.firstRange(of: "Exit codes: ").map { help[$0.upperBound...] })
            let codes = words.prefix { $0 != "." }.matches(of: /\b[0-9]+\b/).map { $0.0 }
            #expect(codes.count >= 3, "\(help)")
            for code in codes { #expect(text.contains("\n.It \(code)\n"), "\(command) has \(code)") }
        }
    }

    @Test("its version is the program's")
    func version() throws {
        let version = try shell.run("$W --version").output.split(separator: "\n")[0]
        #expect(try page().contains { $0 == "Write the version, a number as \(version)." })
    }
}
