import Futures
import Glibc
import TestFunctions

/// A program that is killed while its workers are at something.
enum Orphans {
    static func wait(doing kind: String, folder: String) throws {
        alarm(120)
        let initializer = kind == "initializing" ? try WorkerInitializer(incrementSlowly, 1, 3_000_000_000) : nil
        let isForked = kind.hasPrefix("forked")
        var worker = WorkerCommand.thisExecutable
        if kind == "forked beside programs" { worker.arguments = ["program"] }
        let pool = try ProcessPoolExecutor(
            testRegistry, maxWorkers: 2, worker: worker, maxTasksPerChild: isForked ? 1 : nil, initializer: initializer,
            options: ProcessPoolOptions(startMethod: isForked ? .forkServer : .spawn))
        if isForked { try waitUntilForked(pool) }
        if kind == "initializing" {
            for n in 0..<2 { _ = try pool.submit(increment, n) }
            ready(folder)
        }
        let meeting = [
            try pool.submit(meet, "\(folder)/a", "\(folder)/b"), try pool.submit(meet, "\(folder)/b", "\(folder)/a"),
        ]
        for future in meeting { _ = try future.result(timeout: .seconds(60)) }
        let futures: [AnyFuture] =
            switch kind {
            case "computing", "forked", "forked beside programs":
                try (0..<2).map { _ in try pool.submit(computeUntilCancelled, 3_600_000, false) }
            case "sleeping": try (0..<2).map { _ in try pool.submit(incrementSlowly, 1, 3_000_000_000) }
            case "writing": try (0..<2).map { _ in try pool.submit(makeBytes, 200 << 20) }
            case "with programs": try (0..<2).map { _ in try pool.submit(runCommand, "sleep 1000 & sleep 1000; true") }
            default: []
            }
        while !futures.allSatisfy({ $0.isRunning || $0.isDone }) { usleep(1_000) }
        if kind == "writing" {
            create("\(folder)/ready")
            // Takes nothing more from the workers' pipes.
            kill(getpid(), SIGSTOP)
        }
        ready(folder)
    }

    /// Waits until the workers are forked ones.
    private static func waitUntilForked(_ pool: ProcessPoolExecutor) throws {
        while true {
            let processes = try pool.submit(beginnings).result(timeout: .seconds(60))
            if processes[0] != processes[1] { return }
        }
    }

    /// A program that is killed while its worker, which has started a program, ends as it is to.
    static func waitForEnd(startMethod: String, folder: String) throws {
        alarm(120)
        let isForked = startMethod == "forked"
        let pool = try ProcessPoolExecutor(
            testRegistry, maxWorkers: 1, maxTasksPerChild: 1,
            options: ProcessPoolOptions(startMethod: isForked ? .forkServer : .spawn))
        if isForked { try waitUntilForked(pool) }
        _ = try pool.submit(lingerAtExit, folder).result(timeout: .seconds(60))
        sleep(120)
    }

    private static func create(_ path: String) { close(open(path, O_CREAT | O_WRONLY, 0o600)) }

    private static func ready(_ folder: String) {
        create("\(folder)/ready")
        sleep(120)
    }
}
