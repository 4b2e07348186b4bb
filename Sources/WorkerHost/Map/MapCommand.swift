import ArgumentParser
import Futures
import Glibc

/// `worker-host map`: a function over the records of files, in worker processes.
struct MapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "Run a callable over the records of files, or of standard input, in worker processes.",
        usage: """
            worker-host map [<options>] <function> [<file> ...]
            worker-host map [<options>] --exec <command> [<file> ...]
            """,
        discussion: """
            FUNCTION is a callable of a plug-in library (--load) or a built-in one; `worker-host functions` lists them. One that takes \
            a String is called with each record; one that takes [String], [UInt8] or RecordChunk with a block of whole records. What \
            it returns is written as text: numbers and truth values as a line each, texts with a line end, bytes as they are, \
            nothing for nil.

            What fails is told on standard error with its place. Output is whole results only, also after an error or Ctrl-C.

            Exit codes: 0; 1 when it stopped at a failure; 2 when something failed and it went on; 64 for a wrong command line; 66 \
            for input that cannot be read; 69 when there are no workers; 73 for a journal that cannot be used; 74 for output that \
            cannot be written. Interrupted, it ends by the signal.

            Examples:
              worker-host map count --sum access.log
              worker-host map matching --argument ' 50[0-9] ' < access.log | sort | uniq -c
              worker-host map --exec 'sort | uniq -c' --block 16M words.txt
              worker-host map --exec ./analyse.sh --journal run.journal --resume samples.csv > results
              worker-host map parse --load ./libTasks.so --by csv --on-error skip orders.csv --output orders.json
            """)

    @Argument(
        help: ArgumentHelp(
            """
            The function's name, unless there is --exec; then files to read, - or none for standard input. A folder stands for all \
            files below it, sorted by name, but for hidden ones and folders that are only linked to.
            """,
            valueName: "function-and-files"))
    var words: [String] = []

    @OptionGroup var functions: FunctionOptions

    @Option(
        name: .customLong("input"),
        help: ArgumentHelp("A file to read, like those at the end; more than one may be named.", valueName: "file"))
    var inputs: [FileName] = []

    @Option(
        name: .customLong("exec"),
        help: ArgumentHelp(
            "A command of the shell that reads each block and writes what becomes of it, instead of a function.",
            valueName: "command"))
    var commandText: String?

    @Option(
        help: ArgumentHelp(
            """
            How it is run: block, anew for each block; or lines, once in each worker, where it has to answer each line with one, \
            and at once (as sed -u does).
            """, valueName: "mode"))
    var execMode = ExecModeOption.block

    @Option(help: ArgumentHelp("The text that the function takes besides the input, if it takes one."))
    var argument: String?

    @Option(
        help: ArgumentHelp(
            """
            What a record is: lines, null (what ends with a zero byte), csv (a row), jsonl (a line that is not blank), bytes:N, or \
            file for all of an input.
            """, valueName: "format"))
    var by = FormatOption.lines

    @Option(
        help: ArgumentHelp(
            """
            Whether input that gzip made is decompressed: auto where records are lines or end with a byte, and the input begins as \
            what gzip makes; always, where anything else is an error; or never.
            """, valueName: "when"))
    var decompress = DecompressOption.auto

    @Option(help: ArgumentHelp("How much a block has at least, such as 64K or 4M.", valueName: "size"))
    var block = ByteSize(1 << 20)

    @Option(help: ArgumentHelp("How many records or blocks go to a worker at once: a number, or auto.", valueName: "n"))
    var chunkSize = ChunkSizeOption.automatic

    @Option(help: ArgumentHelp("How many worker processes; by default as many as usable processors.", valueName: "n"))
    var workers: Int?

    @Flag
    var order = OrderOption.ordered

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A file to write instead of standard output, which - stands for, too.", valueName: "file"))
    var output: FileName?

    @Flag(
        help: """
            Write the sum of all results instead of them, column by column, for functions that return numbers or lists of numbers; 0 \
            if there are none.
            """)
    var sum = false

    @Option(
        help: ArgumentHelp("How long a record or block may take, such as 10s or 500ms, before its worker is ended."))
    var timeout: TimeOption?

    @Option(
        help: ArgumentHelp(
            """
            How often what failed is run again: a record or block that threw, or whose worker was lost. One that took too long \
            (--timeout) is not.
            """,
            valueName: "n"))
    var retries = 0

    @Option(
        help: ArgumentHelp(
            """
            What is done about failures: stop, skip, or collect:FILE, where the input of what failed goes: its bytes, and an end \
            for a last record without one.
            """,
            valueName: "policy"))
    var onError = FailurePolicy.stop

    @Option(
        help: ArgumentHelp(
            "A file in which results are kept, so that an interrupted run can be resumed.", valueName: "file"))
    var journal: String?

    @Flag(help: "Go on with the journal's run: what is finished comes from there. Without it a journal must be new.")
    var resume = false

    @Flag(help: "With --resume: run again what had failed.")
    var retryFailed = false

    @Option(
        help: ArgumentHelp(
            "auto shows on a terminal how far the run is, unless output goes there as well; or never.",
            valueName: "when"))
    var progress = ProgressOption.auto

    @Option(
        help: ArgumentHelp(
            "A page to write about the run, HTML: throughput, what each worker did when, task times, failures.",
            valueName: "file"))
    var report: FileName?

    @Option(
        help: ArgumentHelp(
            "A file to write with each call, its worker and times, in Chrome's trace event format, for ui.perfetto.dev.",
            valueName: "file"))
    var trace: FileName?

    @Option(
        help:
            "Compress what goes to workers and back: off, auto, or a level of zlib, 1 to 9. --report says what it came to."
    )
    var compress = CompressOption.off

    @Option(
        help: ArgumentHelp(
            "How much input and output may lie in this process, on its way to workers and waiting to be written.",
            valueName: "size"))
    var maxMemory = ByteSize(64 << 20)

    @Option(help: ArgumentHelp("How much memory a worker may have before it is ended.", valueName: "size"))
    var workerMemory: ByteSize?

    /// Of the function; what runs commands is one, too.
    private var functionName: String {
        if commandText == nil { return words.first ?? "" }
        return execMode == .lines ? "exec_lines" : "exec"
    }
    private var files: [FileName] { (commandText == nil ? words.dropFirst() : words[...]).map { FileName($0) } }
    /// Nil for standard output.
    private var outputFile: FileName? { output == FileName("-") ? nil : output }

    func validate() throws {
        if commandText == nil, words.isEmpty { throw ValidationError("Missing expected argument '<function>'") }
        if execMode == .lines {
            if commandText == nil { throw ValidationError("--exec-mode needs --exec") }
            if ![.lines, .jsonLines, .nullDelimited].contains(by.format) {
                throw ValidationError("--exec-mode lines needs --by lines, jsonl or null")
            }
        }
        if commandText != nil, argument != nil { throw ValidationError("--exec takes no --argument") }
        if resume, journal == nil { throw ValidationError("--resume needs --journal FILE") }
        if retryFailed, !resume { throw ValidationError("--retry-failed needs --resume") }
        if let workers, workers < 1 { throw ValidationError("--workers must be at least 1, not \(workers)") }
        if retries < 0 { throw ValidationError("--retries must be at least 0, not \(retries)") }
        try CommandLineWords.checkText([functionName] + [argument, commandText, journal].compactMap { $0 })
        if (files + inputs).count(where: { $0 == FileName("-") }) > 1 {
            throw ValidationError("standard input can be read once only")
        }
        if block.bytes > 1 << 30 { throw ValidationError("--block must be at most 1G, not \(block)") }
    }

    func run() throws {
        let outcome: MapRun.Outcome
        let interruption = Interruption()
        interruption.watch()
        let recording = RunRecording()
        // A file that may not become larger is an error like a full disk, and not our end. Workers begin with the default.
        signal(SIGXFSZ, SIG_IGN)
        do {
            outcome = try map(interruption, recording)
            interruption.writesDown()
            try recording.finish(outcome.wasStopped ? "stopped at a failure" : interruption.name)
        } catch {
            interruption.writesDown()
            // The error that ended it is the one to tell.
            try? recording.finish(interruption.name ?? described(error))
            if let signal = interruption.signal { endBySignal(signal) }
            throw ended(by: error)
        }
        if let signal = interruption.signal { endBySignal(signal) }
        if outcome.wasStopped { throw ExitCode(ExitStatus.stoppedAtFailure.rawValue) }
        if outcome.failed > 0 {
            complain("\(outcome.failed) of \(outcome.failed + outcome.done) failed")
            throw ExitCode(ExitStatus.somethingFailed.rawValue)
        }
    }

    private func map(_ interruption: Interruption, _ recording: RunRecording) throws -> MapRun.Outcome {
        let names = inputs + files
        let sources = MapInputs(
            all: try names.isEmpty ? [.standardInput] : MapInputs.all(names), format: by.format,
            blockSize: block.bytes, compression: decompress.compression(by.format))
        try sources.check()
        try checkFiles(sources.all)
        let (source, function) = try findFunction()
        let kept = try journal.map { path -> MapJournal in
            do {
                return try MapJournal(at: path, mode: resume ? .resume : .new, retriesFailures: retryFailed)
            } catch let error as SystemError {
                throw JournalOpeningError(cause: error)
            }
        }
        let sink =
            try outputFile.map { try RecordOutput(path: $0) } ?? RecordOutput(STDOUT_FILENO, name: "standard output")
        try recording.open(report: report, trace: trace)
        var options = poolOptions
        options.observer = recording.recorder
        let pool = try ProcessPoolExecutor(.external, maxWorkers: workers, worker: source.command, options: options)
        recording.began(function, on: pool, isCompressing: options.compression.isEnabled)
        defer { pool.killWorkers() }
        interruption.call { pool.killWorkers() }
        let run = MapRun(
            executor: kept.map { pool.journaled(in: $0) } ?? pool, function: function,
            argument: argument ?? commandText, inputs: sources,
            isOrdered: order == .ordered,
            chunkSize: chunkSize.chunkSize, bufferBytes: maxMemory.bytes, policy: onError, output: sum ? nil : sink,
            interruption: interruption, bar: progress == .auto ? ProgressBar(total: sources.totalSize) : nil,
            recording: recording)
        let outcome = try run.go()
        if sum, !outcome.wasStopped, interruption.signal == nil {
            try sink.write(outcome.sumText + "\n")
        }
        try sink.finish()
        // After a failure that stops it, what waits is not begun, and what runs is not waited for.
        if interruption.signal == nil, !outcome.wasStopped { pool.shutdown() }
        return outcome
    }

    private var poolOptions: ProcessPoolOptions {
        var options = ProcessPoolOptions(
            compression: compress.policy,
            onWorkerLoss: retries > 0
                ? .retry(RetryPolicy(crashes: retries, memoryKills: retries, errors: retries)) : .failTask)
        options.hardTimeout = timeout?.duration
        options.workerLimits.residentMemory = workerMemory?.bytes
        return options
    }

    private func findFunction() throws -> (FunctionSource, MapFunction) {
        let all = try FunctionSource.all(functions.libraries)
        var found: [(FunctionSource, WorkerFunction)] = []
        for (source, functions) in all {
            found += functions.filter { $0.name == functionName }.map { (source, $0) }
        }
        guard let (source, function) = found.first else {
            let names = all.flatMap { $0.functions.map(\.name) }.sorted().joined(separator: ", ")
            throw wrongUse("there is no function '\(functionName)'; there are: \(names)")
        }
        let libraries = found.compactMap(\.0.library)
        if libraries.count > 1 {
            throw wrongUse(
                "more than one library has a function '\(functionName)': \(libraries.joined(separator: ", "))")
        }
        guard let mappable = MapFunction(function) else {
            throw wrongUse("\(function.name)\(readable(function.signature)) cannot be mapped: \(MapFunction.types)")
        }
        if mappable.takesArgument != ((argument ?? commandText) != nil) {
            throw wrongUse(
                "\(function.name)\(readable(function.signature)) \(argument == nil ? "needs" : "takes no") --argument")
        }
        if sum, !mappable.output.isNumeric {
            throw wrongUse(
                "--sum needs a function that returns numbers, and it is \(function.name)\(readable(function.signature))"
            )
        }
        return (source, mappable)
    }

    private func checkFiles(_ inputs: [MapInput]) throws {
        var outputs: [(what: String, path: FileName?)] = [
            outputFile.map { ("the output", $0) } ?? ("standard output", nil)
        ]
        if case .collect(let path) = onError { outputs.append(("the file for what failed,", path)) }
        if let journal { outputs.append(("the journal", FileName(journal))) }
        if let report { outputs.append(("the report", report)) }
        if let trace { outputs.append(("the trace", trace)) }
        if let problem = FileCollisions.problem(inputs: inputs, outputs: outputs) { throw wrongUse(problem) }
    }

    private func wrongUse(_ text: String) -> WrongUse { WrongUse(command: "map", text: text) }
}
