import Futures
import Glibc

/// A benchmark that cannot go on, or whose results are wrong.
struct BenchmarkError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// The rows of the table, each with how it is measured. Benchmarks/peers/bench.py has the same ones for Python's pools.
struct Workloads {
    /// How many tasks the pool runs at the same time.
    var workers: Int
    /// How long a row is measured again and again; at least once.
    var seconds: Double
    /// For `busy_map`; nil for automatic sizes.
    var chunkSize: Int?

    private var warmPool: ProcessPoolExecutor?

    init(workers: Int, seconds: Double, chunkSize: Int?) {
        self.workers = workers
        self.seconds = seconds
        self.chunkSize = chunkSize
    }

    /// - Parameter count: the size of one measurement, see each row.
    mutating func measure(_ row: String, count: Int) throws {
        switch row {
        case "round_trip": try roundTrip(row, count, pool())
        case "round_trip_blocking": try blockingRoundTrip(row, count)
        case "burst": try burst(count)
        case "map": try map(count)
        case "chunks": try chunks(count)
        case "busy_map": try busyMap(count)
        case "payload": try payload(count)
        case "fresh_worker": try freshWorker(row, count, .forkServer)
        case "spawned_worker": try freshWorker(row, count, .spawn)
        case "busy_10us": try busyTasks(row, 10, count)
        case "busy_100us": try busyTasks(row, 100, count)
        case "busy_1000us": try busyTasks(row, 1000, count)
        case "start": try start()
        case "pending_memory": try pendingMemory(count)
        case "idle_memory": try idleMemory()
        case "idle_time": try idleTime(count)
        default: throw BenchmarkError("there is no row '\(row)'")
        }
    }

    mutating func end() {
        warmPool?.shutdown()
        warmPool = nil
    }

    /// A pool whose workers are all there, the same for all rows that want one.
    private mutating func pool() throws -> ProcessPoolExecutor {
        if let warmPool { return warmPool }
        let pool = try ProcessPoolExecutor(registry, maxWorkers: workers)
        _ = try workerIDs(pool)
        warmPool = pool
        return pool
    }

    /// The processes of all workers, each of which has run something then.
    private func workerIDs(_ pool: ProcessPoolExecutor) throws -> Set<Int> {
        var seen: Set<Int> = []
        for _ in 0..<200 where seen.count < workers {
            let futures = try (0..<workers * 2).map { _ in try pool.submit(nap) }
            for future in futures { seen.insert(try future.result()) }
        }
        guard seen.count == workers else { throw BenchmarkError("only \(seen.count) of \(workers) workers ran a task") }
        return seen
    }

    /// Does something once unmeasured, then so many times, and until the time is up.
    private func repeatedly(
        atLeast times: Int = 1, _ measurement: () throws -> Void, warmUp: () throws -> Void
    ) rethrows {
        try warmUp()
        let end = now() + seconds
        var done = 0
        repeat {
            try measurement()
            done += 1
        } while done < times || now() < end
    }

    /// `count` calls one after the other, each waited for; their median.
    private func roundTrip(_ row: String, _ count: Int, _ pool: ProcessPoolExecutor) throws {
        try repeatedly {
            var times: [Double] = []
            times.reserveCapacity(count)
            for _ in 0..<count {
                let begin = now()
                try pool.submit(empty).result()
                times.append(now() - begin)
            }
            report(row, median(times) * 1e6, "us")
        } warmUp: {
            for _ in 0..<count { try pool.submit(empty).result() }
        }
    }

    /// The same, with a pool whose threads and workers do not look again before they sleep.
    private func blockingRoundTrip(_ row: String, _ count: Int) throws {
        var options = ProcessPoolOptions()
        options.spinTime = .zero
        let pool = try ProcessPoolExecutor(registry, maxWorkers: workers, options: options)
        defer { pool.shutdown() }
        _ = try workerIDs(pool)
        try roundTrip(row, count, pool)
    }

    /// `count` calls submitted at once, then all their results.
    private mutating func burst(_ count: Int) throws {
        let pool = try pool()
        func run(_ count: Int) throws {
            var futures: [Future<Void>] = []
            futures.reserveCapacity(count)
            for _ in 0..<count { futures.append(try pool.submit(empty)) }
            for future in futures { try future.result() }
        }
        try repeatedly {
            let begin = now()
            try run(count)
            report("burst", Double(count) / (now() - begin), "/s")
        } warmUp: {
            try run((count + 9) / 10)
        }
    }

    /// `count` integers in chunks of 1000, into an array.
    private mutating func map(_ count: Int) throws { try map("map", count, chunkSize: 1000) }

    /// Integers in chunks of `size`: a hundred chunks, but no fewer than 20,000 integers and no more than 4,000,000.
    private mutating func chunks(_ size: Int) throws {
        try map("chunks", min(max(100 * size, 20_000), 4_000_000), chunkSize: size)
    }

    private mutating func map(_ row: String, _ count: Int, chunkSize: Int) throws {
        let pool = try pool()
        try repeatedly {
            let begin = now()
            let results = try pool.map(increment, 0..<count, chunkSize: chunkSize).collect()
            report(row, Double(count) / (now() - begin), "/s")
            guard results.count == count, results.reduce(0, +) == count * (count + 1) / 2 else {
                throw BenchmarkError("\(row): wrong results")
            }
        } warmUp: {
            _ = try pool.map(increment, 0..<(count + 9) / 10, chunkSize: chunkSize).collect()
        }
    }

    /// As many elements of `microseconds` each as keep every worker busy for a second, in chunks of `chunkSize`; the share
    /// of the speed that workers without any cost would reach.
    private mutating func busyMap(_ microseconds: Int) throws {
        let pool = try pool()
        if let chunkSize {
            try busyMap(microseconds, pool, chunkSize: chunkSize)
        } else {
            try busyMap(microseconds, pool, chunkSize: .automatic)
        }
    }

    private func busyMap(_ microseconds: Int, _ pool: ProcessPoolExecutor, chunkSize: some ChunkSize) throws {
        let count = max(workers * 1_000_000 / microseconds, 1)
        try repeatedly {
            let begin = now()
            let results = try pool.map(busy, repeatElement(microseconds, count: count), chunkSize: chunkSize).collect()
            report("busy_map", idealShare(count, microseconds, now() - begin), "%")
            guard results.count == count, results.allSatisfy({ $0 == microseconds }) else {
                throw BenchmarkError("busy_map: wrong results")
            }
        } warmUp: {
            _ = try pool.map(busy, repeatElement(microseconds, count: (count + 9) / 10), chunkSize: chunkSize).collect()
        }
    }

    /// How much of the speed that workers without any cost would reach is reached, in percent.
    private func idealShare(_ count: Int, _ microseconds: Int, _ seconds: Double) -> Double {
        100 * Double(count * microseconds) / 1e6 / Double(workers) / seconds
    }

    /// `count` bytes to a worker and back: twice as many bytes, divided by the time of both.
    private mutating func payload(_ count: Int) throws {
        let pool = try pool()
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: (index &* 0x9e37_79b1) >> 13) }
            initialized = count
        }
        // A virtual machine may have to get its memory from its host first, which takes many times as long.
        try repeatedly(atLeast: 3) {
            let begin = now()
            let answer = try pool.submit(echo, bytes).result()
            report("payload", Double(2 * count) / (now() - begin) / 1e9, "GB/s")
            // Swift looks at one element after the other, for so long that the worker sleeps meanwhile.
            guard answer.count == count, memcmp(answer, bytes, count) == 0 else {
                throw BenchmarkError("payload: other bytes came back")
            }
        } warmUp: {
            for _ in 0..<3 { _ = try pool.submit(echo, bytes).result() }
        }
    }

    /// `count` calls, each in a process of its own.
    private func freshWorker(_ row: String, _ count: Int, _ startMethod: WorkerStartMethod) throws {
        let pool = try ProcessPoolExecutor(
            registry, maxWorkers: workers, maxTasksPerChild: 1, options: ProcessPoolOptions(startMethod: startMethod))
        func run(_ count: Int) throws {
            let futures = try (0..<count).map { _ in try pool.submit(processID) }
            let processes = Set(try futures.map { try $0.result() })
            guard processes.count == count else {
                throw BenchmarkError("\(row): \(count) tasks ran in \(processes.count) processes")
            }
        }
        try repeatedly {
            let begin = now()
            try run(count)
            report(row, Double(count) / (now() - begin), "/s")
        } warmUp: {
            try run(workers)
        }
        pool.shutdown()
    }

    /// `count` tasks that compute for a known time; the share of the speed that workers without any cost would reach.
    private mutating func busyTasks(_ row: String, _ microseconds: Int, _ count: Int) throws {
        let pool = try pool()
        func run(_ count: Int) throws {
            let futures = try (0..<count).map { _ in try pool.submit(busy, microseconds) }
            var sum = 0
            for future in futures { sum += try future.result() }
            guard sum == count * microseconds else { throw BenchmarkError("\(row): wrong results") }
        }
        try repeatedly {
            let begin = now()
            try run(count)
            report(row, idealShare(count, microseconds, now() - begin), "%")
        } warmUp: {
            try run((count + 9) / 10)
        }
    }

    /// From nothing to the first result, once: a program that has had a pool starts the next one faster.
    private func start() throws {
        let begin = now()
        let pool = try ProcessPoolExecutor(registry, maxWorkers: workers)
        let result = try pool.submit(increment, 1).result()
        report("start", (now() - begin) * 1e3, "ms")
        guard result == 2 else { throw BenchmarkError("start: wrong result") }
        pool.shutdown()
    }

    /// How much this process grows by `count` calls that wait behind blocked workers, for each of them.
    private func pendingMemory(_ count: Int) throws {
        let pool = try ProcessPoolExecutor(registry, maxWorkers: workers)
        for _ in 0..<100 { _ = try pool.submit(increment, 1).result() }
        _ = try workerIDs(pool)
        let gate = try temporaryName()
        let gates = try (0..<workers).map { _ in try pool.submit(awaitFile, gate) }
        usleep(200_000)
        var futures: [Future<Int>] = []
        let before = try residentBytes()
        for number in 0..<count { futures.append(try pool.submit(increment, number)) }
        // What is handed on by threads of the pool is there then, too.
        usleep(300_000)
        let after = try residentBytes()
        close(open(gate, O_CREAT | O_WRONLY, 0o600))
        defer { unlink(gate) }
        for future in gates { _ = try future.result() }
        var sum = 0
        for future in futures { sum += try future.result() }
        guard sum == count * (count + 1) / 2 else { throw BenchmarkError("pending_memory: wrong results") }
        report("pending_memory", Double(after - before) / Double(count), "B")
        pool.shutdown()
    }

    /// Memory that goes back to the system when a worker that has run a few small tasks ends; median of the workers.
    private func idleMemory() throws {
        let pool = try ProcessPoolExecutor(registry, maxWorkers: workers)
        let processes = try workerIDs(pool)
        usleep(300_000)
        report("idle_memory", median(try processes.map { try privateBytes($0) }) / 1e6, "MB")
        pool.shutdown()
    }

    /// What a pool and its workers compute in `count` seconds in which there is nothing to do, for each second.
    private func idleTime(_ count: Int) throws {
        let pool = try ProcessPoolExecutor(registry, maxWorkers: workers)
        _ = try workerIDs(pool)
        usleep(300_000)
        let before = processorTime()
        usleep(UInt32(count) * 1_000_000)
        report("idle_time", (processorTime() - before) / 1e3 / Double(count), "us")
        pool.shutdown()
    }
}
