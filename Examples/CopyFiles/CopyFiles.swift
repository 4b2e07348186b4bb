import ArgumentParser
import Foundation
import Futures

/// The scope example of Python's concurrent.futures: files are copied, and at the end of the scope all copies are done.
@main struct CopyFiles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "CopyFiles",
        abstract: "Copies files, four at a time.",
        usage: """
            CopyFiles <source> <target> [<source> <target> ...]
            CopyFiles --into <folder> <source> ...
            """,
        discussion: """
            A target that is a folder gets a file with the source's name. A target that exists is overwritten, and keeps \
            its permissions; a new one gets those of its source. What cannot be copied is told, and the rest is copied.

            Exit codes: 0, 1 when a file could not be copied, 64 for a wrong command line.
            """)

    @Argument(help: ArgumentHelp("Source and target in turn, or with --into sources only.", valueName: "file"))
    var files: [String]

    @Option(help: ArgumentHelp("Copy all sources into this folder.", valueName: "folder"))
    var into: String?

    func validate() throws {
        if into == nil, files.count % 2 != 0 { throw ValidationError("'\(files.last!)' has no target") }
        // Copies run at the same time: none may write to a file that another reads or writes.
        var users: [String: Set<Int>] = [:]
        for (number, copy) in copies.enumerated() {
            users[copy.source.realPath, default: []].insert(number)
            users[copy.target.realPath, default: []].insert(number)
        }
        for copy in copies where users[copy.target.realPath]!.count > 1 {
            throw ValidationError("'\(copy.target.relativePath)' would be written to by one copy and used by another")
        }
    }

    func run() async throws {
        let failures = try await withThreadPool(maxWorkers: 4) { pool in
            let futures = try copies.map { copy in (copy, try pool.submit { try copy.run() }) }
            var failures = 0
            for (copy, future) in futures {
                do {
                    try await future.value
                    print("copied \(copy)")
                } catch {
                    // Nobody is left to be told when this fails.
                    try? FileHandle.standardError.write(contentsOf: Data("CopyFiles: \(copy): \(reason(error))\n".utf8))
                    failures += 1
                }
            }
            return failures
        }
        if failures > 0 { throw ExitCode.failure }
    }

    /// What the command line asks for.
    private var copies: [FileCopy] {
        if let into {
            let folder = URL(fileURLWithPath: into, isDirectory: true)
            return files.map { FileCopy(from: $0, to: folder) }
        }
        return stride(from: 0, to: files.count - 1, by: 2).map { index in
            FileCopy(from: files[index], to: URL(fileURLWithPath: files[index + 1]))
        }
    }
}
