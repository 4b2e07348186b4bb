import Futures
import Glibc

// Large data on this package's process pool, and in a plain loop. Benchmarks/data.sh runs it beside other tools.

@main
struct DataBenchmark {
    static let usage = """
        usage: data-benchmark [--workers N] WORK ARGUMENT...

          words FILE            counts lines, words and bytes in workers, which read the file in pieces
          words-loop FILE       counts them in a loop, with the same function
          elements N            maps N integers one by one, and adds up the results; prints how fast, and how much memory it took
          compression FILE L    sends blocks of a file to workers and back, compressed with zlib's level L, 0 for not at all;
                                prints how fast, and how much of them travelled
        """

    static func main() async {
        WorkerProcess.runIfSpawned(registry)
        var arguments = CommandLine.arguments.dropFirst()
        var workers: Int?
        if arguments.first == "--workers" {
            guard arguments.count > 1, let number = Int(arguments[arguments.startIndex + 1]), number > 0 else {
                complain("--workers takes a number")
            }
            workers = number
            arguments = arguments.dropFirst(2)
        }
        let words = Array(arguments)
        do {
            switch (words.first, words.count) {
            case ("words", 2): try await countWords(words[1], workers)
            case ("words-loop", 2): try await countWordsInLoop(words[1])
            case ("elements", 2): try mapElements(try number(words[1]), workers)
            case ("compression", 3): try await compress(words[1], level: try number(words[2]), workers)
            case ("--help", 1), ("-h", 1): print(usage)
            default: complain(usage)
            }
        } catch {
            complain("\(error)", code: 1)
        }
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else { throw BenchmarkError("'\(text)' is no number") }
        return number
    }

    private static func complain(_ message: String, code: Int32 = 2) -> Never {
        let text = "data-benchmark: \(message)\n"
        _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        exit(code)
    }
}

/// A benchmark that cannot go on, or whose results are wrong.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

// MARK: What the workers run

let registry = FunctionRegistry {
    wordCounts
    increment
    echo
}

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }
let echo = Callable("echo") { (chunk: RecordChunk) -> [UInt8] in try chunk.withBytes { Array($0) } }
let wordCounts = Reduction("word_counts") { (chunk: RecordChunk) -> [Int] in
    try chunk.withBytes { counts(of: $0) }
} combining: {
    $0 = zip($0, $1).map { $0 + $1 }
}

/// How many lines, words and bytes there are, as wc(1) counts them.
private func counts(of text: UnsafeRawBufferPointer) -> [Int] {
    var (lines, words) = (0, 0)
    var isInWord = false
    for byte in text {
        if byte == 10 { lines += 1 }
        // Space, and the control characters from tab to carriage return.
        let isSpace = byte == 32 || (9...13).contains(byte)
        if isInWord, isSpace { words += 1 }
        isInWord = !isSpace
    }
    return [lines, words + (isInWord ? 1 : 0), text.count]
}

// MARK: Works

private let blockSize = 1 << 20

private func countWords(_ path: String, _ workers: Int?) async throws {
    try await withProcessPool(registry, maxWorkers: workers) { pool in
        let pieces = try FilePieces(of: path, size: blockSize)
        guard let counts = try await pool.reduce(wordCounts, pieces.chunks) else {
            throw BenchmarkError("nothing came")
        }
        print(counts.map { "\($0)" }.joined(separator: " "))
    }
}

private func countWordsInLoop(_ path: String) async throws {
    var sums = [0, 0, 0]
    for try await chunk in try FilePieces(of: path, size: blockSize).chunks {
        let counted = try chunk.withBytes { counts(of: $0) }
        sums = zip(sums, counted).map { $0 + $1 }
    }
    print(sums.map { "\($0)" }.joined(separator: " "))
}

private func mapElements(_ count: Int, _ workers: Int?) throws {
    let pool = try ProcessPoolExecutor(registry, maxWorkers: workers)
    defer { pool.shutdown() }
    _ = try pool.submit(increment, 1).result()
    var sum = 0
    let time = try ContinuousClock().measure {
        let results = try pool.map(increment, 0..<count, chunkSize: .automatic, bufferSize: 100_000)
        while let next = try results.next() { sum &+= next }
    }
    guard sum == count * (count + 1) / 2 else { throw BenchmarkError("the sum is \(sum)") }
    print("elements,\(Double(count) / (time / .seconds(1))),/s")
    print("elements_memory,\(Double(try peakMemory()) / 1e6),MB")
}

private func compress(_ path: String, level: Int, _ workers: Int?) async throws {
    let policy: CompressionPolicy = level == 0 ? .off : .zlib(level: level)
    try await withProcessPool(
        registry, maxWorkers: workers, options: ProcessPoolOptions(compression: policy)
    ) { pool in
        guard let file = fopen(path, "r") else { throw BenchmarkError("cannot open \(path)") }
        defer { fclose(file) }
        // As a stream, whose bytes travel.
        let stream = try RecordStream(reading: fileno(file), by: .fixed(size: 1), size: blockSize)
        var bytes = 0
        let clock = ContinuousClock()
        let begin = clock.now
        for try await block in try pool.map(echo, stream, bufferSize: .bytes(64 << 20)) { bytes += block.count }
        let seconds = (clock.now - begin) / .seconds(1)
        let counts = pool.compressionCounts
        let saved = counts.arguments.savedBytes + counts.results.savedBytes
        print("compression,\(Double(bytes) / seconds / 1e6),MB/s")
        print("compression_share,\(Double(2 * bytes - saved) / Double(2 * bytes) * 100),%")
    }
}

/// The most memory that this process has had (proc_pid_status(5)), in bytes.
private func peakMemory() throws -> Int {
    guard let file = fopen("/proc/self/status", "r") else { throw BenchmarkError("cannot open /proc/self/status") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard text.hasPrefix("VmHWM:"), let kilobytes = Int(text.filter(\.isNumber)) else { continue }
        return kilobytes * 1024
    }
    throw BenchmarkError("/proc/self/status does not tell VmHWM")
}
