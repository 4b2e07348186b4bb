import Futures
import Glibc

// The workloads on this package's process pool. Benchmarks/compare.sh runs it beside Python's pools.

WorkerProcess.runIfSpawned(registry)

let usage = """
    usage: pool-benchmark [--workers N] [--seconds S] [--chunk-size N|auto] ROW=COUNT...

    Prints one line row,value,unit for each measurement. COUNT is the size of one measurement; a row is measured until S
    seconds have passed, at least once. Rows: round_trip round_trip_blocking burst map chunks busy_map payload
    fresh_worker spawned_worker busy_10us busy_100us busy_1000us start pending_memory idle_memory idle_time. For busy_map
    COUNT is the time of an element in microseconds, and chunks have N elements, 1 by default.
    """

func complain(_ message: String, code: Int32 = 2) -> Never {
    let text = "pool-benchmark: \(message)\n"
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(code)
}

var workers = 1
var seconds = 0.0
var chunkSize: Int? = 1
var rows: [(name: String, count: Int)] = []
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    switch argument {
    case "--help", "-h":
        print(usage)
        exit(0)
    case "--first-byte":
        // For the limits: how long it takes to start a Swift program.
        exit(write(STDOUT_FILENO, "!", 1) == 1 ? 0 : 1)
    case "--workers":
        guard let number = arguments.popFirst().flatMap({ Int($0) }), number > 0 else {
            complain("--workers takes a number")
        }
        workers = number
    case "--seconds":
        guard let number = arguments.popFirst().flatMap({ Double($0) }), number >= 0, number.isFinite else {
            complain("--seconds takes a number")
        }
        seconds = number
    case "--chunk-size":
        let size = arguments.popFirst()
        if size == "auto" {
            chunkSize = nil
        } else if let number = size.flatMap({ Int($0) }), number > 0 {
            chunkSize = number
        } else {
            complain("--chunk-size takes a number, or auto")
        }
    default:
        let parts = argument.split(separator: "=")
        guard parts.count == 2, let count = Int(parts[1]), count > 0 else {
            complain("'\(argument)' is not ROW=COUNT with a COUNT of at least 1; see --help")
        }
        rows.append((String(parts[0]), count))
    }
}

var workloads = Workloads(workers: workers, seconds: seconds, chunkSize: chunkSize)
do {
    for row in rows { try workloads.measure(row.name, count: row.count) }
    workloads.end()
} catch {
    complain("\(error)", code: 1)
}
