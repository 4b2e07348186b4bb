import ArgumentParser
import Futures
import Glibc

/// The `worker-host` executable: worker processes whose callables come from plug-in libraries, and maps from the shell.
@main struct WorkerHost: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker-host",
        abstract: "Runs callables in worker processes: for a process pool, and over files from the shell.",
        discussion: """
            A process pool starts worker-host itself: \
            ProcessPoolExecutor(.external, worker: .workerHost(at: PATH, load: LIBRARY)). \
            The plug-in is a shared library with the C entry point futures_plugin_main.
            """,
        version: "0.1.0",
        subcommands: [MapCommand.self, FunctionsCommand.self, Serve.self])

    static func main() {
        openStandardDescriptors()
        // Started by `map` for the functions that are built in: as any program that is its own worker, without arguments.
        if CommandLine.arguments.count == 1 { WorkerProcess.runIfSpawned(builtInFunctions) }
        main(CommandLineWords.all)
    }

    /// Where the program was started without one of them, nothing else may get its number, and what is written there.
    private static func openStandardDescriptors() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(descriptor, F_GETFD) < 0 {
            // Open the wrong way round: using it is an error, as before.
            _ = open("/dev/null", flags)
        }
    }
}
