import ArgumentParser
import Foundation
import Futures

/// The thread pool example of Python's concurrent.futures.
@main struct LoadSources: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "LoadSources",
        abstract: "Loads files and web pages on threads, and tells the size of each as soon as it is there.",
        discussion: """
            A source that cannot be loaded gets a line that says why, and the others go on.

            Exit codes: 0, 1 when a source could not be loaded, 64 for a wrong command line.
            """)

    @Argument(
        help: ArgumentHelp(
            "Paths of files, and URLs that begin with file://, http:// or https://.", valueName: "source"))
    var sources: [String]

    @Option(help: ArgumentHelp("How long a server may be silent. Files have no limit.", valueName: "seconds"))
    var timeout = 60

    func validate() throws {
        guard (1...86_400).contains(timeout) else {
            throw ValidationError("--timeout must be from 1 to 86400 seconds, not \(timeout)")
        }
    }

    func run() async throws {
        let loader = Loader(timeout: timeout)
        let failures = try await withThreadPool(maxWorkers: 5) { pool in
            // Begin to load, and remember which future is whose.
            var sourceOf = try Dictionary(
                uniqueKeysWithValues: sources.map { source in
                    (try pool.submit { try await loader.load(source) }, source)
                })
            var failures = 0
            for try await future in asCompleted(sourceOf.keys) {
                // Out of the dictionary, so that the bytes go with the future.
                let source = sourceOf.removeValue(forKey: future)!
                let line: String
                do {
                    line = "\(source): \(try await future.value.count) bytes"
                } catch {
                    line = "\(source): failed, \(reason(error))"
                    failures += 1
                }
                print(line)
                // Now, also where the output is a pipe, for which the C library would collect many lines.
                guard fflush(nil) == 0 else {
                    throw LoadError(description: "the output cannot be written: \(String(cString: strerror(errno)))")
                }
            }
            return failures
        }
        if failures > 0 { throw ExitCode.failure }
    }
}
