import TestSupport
import Testing

/// worker-host from a shell.
@Suite struct CommandTests {
    private func run(
        _ arguments: String..., environment: [String: String] = [:]
    ) throws -> (output: String, exitCode: Int32?) {
        let program = try ChildProgram(
            BuildProducts.path(of: "worker-host"), arguments, environment: environment, capturesOutput: true)
        return (program.readToEnd(), program.exitCode)
    }

    @Test("help says what it is for, that of serve which exit codes it has")
    func help() throws {
        let help = try run("--help")
        #expect(help.output.contains("Runs callables in worker processes: for a process pool, and over"), "\(help)")
        #expect(help.output.contains("futures_plugin_main"), "\(help)")
        #expect(help.exitCode == 0)
        let serve = try run("serve", "--help")
        #expect(serve.output.contains("--load <library>"), "\(serve)")
        #expect(serve.output.contains("Exit codes: 0 after an orderly end, 64 for a wrong command line"), "\(serve)")
        #expect(serve.exitCode == 0)
        #expect(try run() == help)
    }

    @Test("the version is a number")
    func version() throws {
        let version = try run("--version")
        #expect(version.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil, "\(version)")
        #expect(version.exitCode == 0)
    }

    @Test(
        "a wrong command line",
        arguments: [
            (["serve"], "Error: Missing expected argument '--load <library>'\n"),
            (["serve", "--load"], "Error: Missing value for '--load <library>'\n"),
            (["serve", "--load", "a.so", "b.so"], "Error: Unexpected argument 'b.so'\n"),
            (["connect"], "Error: Unexpected argument 'connect'\n"),
            (["--load", "a.so"], "Error: Unknown option '--load'\n"),
        ])
    func wrongCommandLines(arguments: [String], message: String) throws {
        let program = try ChildProgram(BuildProducts.path(of: "worker-host"), arguments, capturesOutput: true)
        let output = program.readToEnd()
        #expect(output.hasPrefix(message), "\(output)")
        #expect(output.contains("\nUsage: worker-host "), "\(output)")
        #expect(program.exitCode == 64)
    }

    @Test("serve without a pool says how it is started")
    func serveAlone() throws {
        let host = BuildProducts.path(of: "worker-host")
        let alone = try run("serve", "--load", "tasks.so")
        #expect(
            alone.output.hasPrefix(
                """
                Error: no process pool started this worker. Start it from Swift with ProcessPoolExecutor(.external, \
                worker: .workerHost(at: "\(host)", load: "tasks.so")).

                """), "\(alone)")
        #expect(alone.exitCode == 64)
    }

    @Test("a pool of another release, and descriptors that are not there")
    func unusableSetting() throws {
        let other = try run("serve", "--load", "tasks.so", environment: ["FUTURES_WORKER": "9:3,4"])
        #expect(
            other.output.contains("the environment variable FUTURES_WORKER is \"9:3,4\", but this program"), "\(other)")
        #expect(other.exitCode == 78)
    }
}
