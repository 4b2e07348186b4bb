import ArgumentParser

/// The `worker-host` executable: worker processes whose callables come from plug-in libraries.
@main struct WorkerHost: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker-host",
        abstract: "Runs the callables of a plug-in library for a process pool.",
        discussion: """
            A process pool starts worker-host itself: \
            ProcessPoolExecutor(.external, worker: .workerHost(at: PATH, load: LIBRARY)). \
            The plug-in is a shared library with the C entry point futures_plugin_main.
            """,
        version: "0.1.0",
        subcommands: [Serve.self])
}
