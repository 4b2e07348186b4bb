import ArgumentParser
import Futures
import Glibc

/// `worker-host serve`: one worker process.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve one process pool; started by the pool, not from a shell.",
        discussion: """
            Exit codes: 0 after an orderly end, 64 for a wrong command line, 76 when the pool does not speak the wire's \
            protocol, 78 when it was not started by a pool of this release.
            """)

    @Option(
        name: .customLong("load"),
        help: ArgumentHelp("The plug-in library that has the callables.", valueName: "library"))
    var library: String

    func run() throws {
        guard let role = WorkerProcess.takeRole() else {
            throw ValidationError(
                """
                no process pool started this worker. Start it from Swift with \
                ProcessPoolExecutor(.external, worker: .workerHost(at: "\(CommandLine.arguments[0])", load: "\(library)")).
                """)
        }
        // Before a fork server forks: its workers have it then.
        let plugin = Result { () throws(PluginError) in try Plugin(library) }
        let wire = role.wire()
        switch plugin {
        case .success(let plugin): Glibc.exit(plugin.serve(wire.input, wire.output))
        case .failure(let error):
            Glibc.exit(WorkerProcess.refuse("\(error)", input: wire.input, output: wire.output))
        }
    }
}
