import ArgumentParser
import Futures
import Glibc

/// Where functions come from: plug-in libraries, and this program itself.
struct FunctionSource {
    /// What people call it; nil for this program.
    let library: String?

    var command: WorkerCommand {
        guard let library else { return .thisExecutable }
        var command = WorkerCommand.thisExecutable
        command.arguments = ["serve", "--load", library]
        return command
    }

    /// What is in the libraries, each with its source, and last what is built in.
    ///
    /// - Throws: ``Unavailable`` for a library that cannot be used.
    static func all(_ libraries: [String]) throws -> [(source: FunctionSource, functions: [WorkerFunction])] {
        try libraries.map { library in
            let source = FunctionSource(library: library)
            do {
                return (source, try source.command.functions())
            } catch {
                throw Unavailable(text: "the functions of \(library): \(error)")
            }
        } + [(FunctionSource(library: nil), builtInFunctions.functions.map { WorkerFunction($0) })]
    }
}

/// There are no workers, or not those that were asked for.
struct Unavailable: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}

struct FunctionOptions: ParsableArguments {
    @Option(
        name: .customLong("load"),
        help: ArgumentHelp("A plug-in library that has callables; more than one may be named.", valueName: "library"))
    var libraries: [String] = []

    func validate() throws { try CommandLineWords.checkText(libraries) }
}

/// `worker-host functions`: what can be mapped.
struct FunctionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions",
        abstract: "List the callables of plug-in libraries, and those that are built in, with their types.",
        discussion: "Exit codes: 0, 64 for a wrong command line, 69 for a library that cannot be used.")

    @OptionGroup var options: FunctionOptions

    func run() throws {
        let output = RecordOutput(STDOUT_FILENO, name: "standard output")
        do {
            for (source, functions) in try FunctionSource.all(options.libraries) {
                try output.write("\(source.library ?? "built in"):\n")
                for function in functions {
                    let isMappable = MapFunction(function) != nil
                    try output.write(
                        "  \(isMappable ? "*" : " ") \(function.name)\(readable(function.signature))\n")
                }
            }
            try output.write("functions with * can be given to worker-host map\n")
            try output.flush()
        } catch {
            throw ended(by: error)
        }
    }
}

/// A signature without the modules of Swift's own types, and with arrays and optionals as they are written.
func readable(_ signature: Signature) -> String { readable(signature.description) }

/// Types in the same way.
func readable(_ types: String) -> String {
    var text = types
    text.replace(/Swift\.Array<([^<>]*)>/) { "[\($0.1)]" }
    text.replace(/Swift\.Optional<([^<>]*)>/) { "\($0.1)?" }
    text.replace("Swift.", with: "")
    text.replace("Futures.", with: "")
    return text
}
