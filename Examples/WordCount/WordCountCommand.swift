import ArgumentParser
import Futures
import Glibc

/// Counts the words of a text file in worker processes.
@main struct WordCountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "WordCount",
        abstract: "Counts the words of a text file in worker processes, and again in this one to compare.",
        discussion: """
            A word is a run of ASCII letters, ASCII digits and characters beyond ASCII; capital letters of ASCII count as \
            small ones. The file is read in chunks of whole lines, a few at a time: memory grows with the longest line and \
            the number of different words, not with the file.

            Exit codes: 0, 1 when the file cannot be counted, 64 for a wrong command line.
            """)

    @Argument(help: "The text.")
    var file: String

    @Option(help: ArgumentHelp("How many worker processes; by default as many as usable processors.", valueName: "n"))
    var workers: Int?

    @Option(help: ArgumentHelp("How much text goes to a worker at once, such as 64K or 4M.", valueName: "size"))
    var chunkSize = ByteCount(bytes: 1 << 20)

    @Option(help: ArgumentHelp("How many of the most frequent words to print.", valueName: "n"))
    var top = 10

    @Flag(help: "Count in worker processes only.")
    var noSerial = false

    /// A chunk is in a worker's memory as a whole.
    private static let largestChunk = ByteCount(bytes: 1 << 30)

    func validate() throws {
        func check(_ what: String, _ number: Int, atLeast least: Int) throws {
            if number < least { throw ValidationError("\(what) must be at least \(least), not \(number)") }
        }
        try check("--workers", workers ?? 1, atLeast: 1)
        try check("--chunk-size", chunkSize.bytes, atLeast: 1)
        try check("--top", top, atLeast: 0)
        if chunkSize.bytes > Self.largestChunk.bytes {
            throw ValidationError("--chunk-size must be at most \(Self.largestChunk), not \(chunkSize)")
        }
    }

    static func main() async {
        // A worker is this program, run again, and serves here. It loads the argument parser's FoundationEssentials for
        // nothing, which makes its start 1 ms longer (6 ms instead of 5 from start to end). A second executable without it
        // would save that, and would have to be found at run time, and be one more thing to install.
        WorkerProcess.runIfSpawned(registry)
        do {
            try await parse().count()
        } catch {
            let code = exitCode(for: error)
            if code == .success {
                print(fullMessage(for: error))
            } else if code == .validationFailure {
                complain("\(message(for: error))\nUsage: \(usageString())")
            } else {
                complain("\(error)")
            }
            Glibc.exit(code.rawValue)
        }
    }

    private func count() async throws {
        let chunks = LineChunks(file: try InputFile(file), size: chunkSize.bytes)
        guard chunks.file.size > 0 else { return try say("\(file) is empty: no words") }
        let parallel = try await countInWorkers(chunks, workers: workers)
        let ownMemory = peakMemory(of: getpid())
        for (word, count) in parallel.table.top(top) {
            let number = String(count)
            try say(String(repeating: " ", count: max(0, 10 - number.count)) + "\(number)  \(shown(word))")
        }
        try say(
            """
            \(parallel.table.total) words, \(parallel.table.distinct) of them different, in \(sizeText(parallel.size))
            \(parallel.workers) worker processes: \(parallel.speed), their start included
            peak memory: \(ownMemory.map(sizeText) ?? "unknown") here, \
            \(parallel.largestWorker.map(sizeText) ?? "unknown") in the largest worker
            """)
        guard !noSerial else { return }
        let serial = try countSerially(chunks)
        try say(
            """
            serially: \(serial.speed)
            the worker processes were \(hundredths(serial.time / parallel.time)) times as fast
            """)
        guard serial.table == parallel.table else {
            throw WordCountError(description: "the two counts differ; was \(file) written to meanwhile?")
        }
        try say("both counted the same words the same number of times")
    }
}
