import Foundation
import Futures
import Testing

@Suite struct LoadSourcesTests {
    let folder = TemporaryFolder()
    /// A proxy that the environment names would be asked for loopback addresses, too.
    static let withoutProxy = ["no_proxy": "*"]

    private func load(_ arguments: String...) throws -> Program {
        try Program.run(at: Program.path(of: "LoadSources"), arguments, environment: Self.withoutProxy)
    }

    /// The lines in an order that does not depend on what was there first.
    private func lines(_ run: Program) -> [String] { run.output.split(separator: "\n").map(String.init).sorted() }

    @Test("files by path and by URL, and pages: each source with its size")
    func sizes() throws {
        let server = try LoopbackServer { path in .page(bytes: path == "/large" ? 3_000_000 : 12) }
        let file = try folder.write("five!".utf8, to: "a file")
        let fileURL = URL(fileURLWithPath: file).absoluteString
        #expect(fileURL.hasSuffix("a%20file"))
        let run = try load(file, fileURL, server.url("/small"), server.url("/large"), server.url("/small?again"))
        #expect(
            lines(run)
                == [
                    "\(file): 5 bytes", "\(fileURL): 5 bytes", "\(server.url("/small")): 12 bytes",
                    "\(server.url("/large")): 3000000 bytes", "\(server.url("/small?again")): 12 bytes",
                ].sorted(), "\(run)")
        #expect(run.errorOutput == "" && run.exitCode == 0)
    }

    @Test("what cannot be loaded gets a line that says why, the others are loaded, and the exit code is 1")
    func failures() throws {
        let server = try LoopbackServer { path in
            switch path {
            case "/missing": .page(status: 404, bytes: 100)
            case "/broken": .page(status: 500, bytes: 100)
            case "/short": .page(bytes: 100, missing: 97)
            case "/silent": .silence
            default: .page(bytes: 7)
            }
        }
        let refusing = try LoopbackSocket()
        let start = ContinuousClock.now
        let run = try load(
            "--timeout", "1", server.url("/missing"), server.url("/broken"), server.url("/short"),
            server.url("/silent"),
            refusing.url("/"), folder.file("none"), folder.path, "other://place", "http://a b/", server.url("/page"))
        let refusal = "\(refusing.url("/")): failed, Failed to connect to 127.0.0.1 port \(refusing.port) after "
        #expect(
            lines(run).filter { !$0.hasPrefix(refusal) }
                == [
                    "\(server.url("/missing")): failed, the server answered 404 (Not Found)",
                    "\(server.url("/broken")): failed, the server answered 500 (Internal Server Error)",
                    "\(server.url("/short")): failed, transfer closed with 97 bytes remaining to read",
                    "\(server.url("/silent")): failed, the server was silent for too long",
                    "\(folder.file("none")): failed, No such file or directory",
                    "\(folder.path): failed, Is a directory",
                    "other://place: failed, unsupported URL",
                    "http://a b/: failed, this is not a URL",
                    "\(server.url("/page")): 7 bytes",
                ].sorted(), "\(run)")
        #expect(lines(run).contains { $0.hasPrefix(refusal) && $0.hasSuffix("Couldn't connect to server") }, "\(run)")
        #expect(run.errorOutput == "" && run.exitCode == 1)
        // The limit of one second was heeded, not the sixty that there are without one.
        #expect(start.duration(to: .now) < .seconds(40))
    }

    @Test("a source is told when it is there, also to a pipe, whatever else is still on its way")
    func order() throws {
        let gate = Future<Void>()
        let server = try LoopbackServer { path in
            if path == "/late" { try? gate.result(timeout: longTime) }
            return .page(bytes: 7)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.path(of: "LoadSources"))
        process.arguments = [server.url("/late"), server.url("/soon")]
        process.environment = ProcessInfo.processInfo.environment.merging(Self.withoutProxy) { _, new in new }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let first = output.fileHandleForReading.availableData
        #expect(String(decoding: first, as: UTF8.self) == "\(server.url("/soon")): 7 bytes\n")
        try gate.setResult(())
        let rest = try output.fileHandleForReading.readToEnd() ?? Data()
        #expect(String(decoding: rest, as: UTF8.self) == "\(server.url("/late")): 7 bytes\n")
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("an output that cannot be written to is an error")
    func fullDisk() throws {
        let file = try folder.write("a".utf8, to: "file")
        let run = try Program.run(
            at: "/bin/sh", ["-c", "exec \"$0\" \"$1\" > /dev/full", Program.path(of: "LoadSources"), file])
        #expect(run.errorOutput == "Error: the output cannot be written: No space left on device\n", "\(run)")
        #expect(run.exitCode == 1)
    }

    @Test("wrong command lines; and help, which is none")
    func commandLine() throws {
        let nothing = try load()
        #expect(nothing.errorOutput.hasPrefix("Error: Missing expected argument '<source> ...'\n"), "\(nothing)")
        #expect(nothing.errorOutput.contains("USAGE: LoadSources <source> ... [--timeout <seconds>]"))
        #expect(nothing.output == "" && nothing.exitCode == 64)
        for timeout in ["0", "-1", "86401"] {
            let run = try load("file", "--timeout=\(timeout)")
            let message = "Error: --timeout must be from 1 to 86400 seconds, not \(timeout)\n"
            #expect(run.errorOutput.hasPrefix(message) && run.output == "" && run.exitCode == 64, "\(run)")
        }
        let help = try load("--help")
        #expect(help.output.contains("--timeout <seconds>"))
        #expect(help.errorOutput == "" && help.exitCode == 0)
    }
}
