import ArgumentParser

@main struct WorkerHost: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker-host")
}
