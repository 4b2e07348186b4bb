import Futures
import Glibc
import TestFunctions

// Programs that change something while a pool is there, or end while it is.
extension Surroundings {
    private var variable: String { "FUTURES_TEST_COLOUR" }

    private func colour(_ pool: ProcessPoolExecutor) throws -> String {
        try pool.submit(readVariable, variable).result(timeout: .seconds(30)) ?? "none"
    }

    /// Workers have the environment of the moment in which they start.
    func changeEnvironment() throws {
        setenv(variable, "red", 1)
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1, maxTasksPerChild: 2)
        setenv(variable, "green", 1)
        var colours = [try colour(pool)]
        setenv(variable, "blue", 1)
        colours += [try colour(pool), try colour(pool)]
        unsetenv(variable)
        colours += [try colour(pool), try colour(pool)]
        pool.shutdown()
        say(colours.joined(separator: " "))
    }

    /// The same with the current directory.
    func changeFolder() throws {
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1, maxTasksPerChild: 2)
        var folders: [String] = []
        for path in ["/", "/usr", folder] {
            chdir(path)
            folders.append(try pool.submit(currentFolder).result(timeout: .seconds(30)))
        }
        pool.shutdown()
        say(folders.map { $0 == folder ? "ours" : $0 }.joined(separator: " "))
    }

    /// A pool that lives as long as the program, and is used and shut down by an exit handler.
    func endInExitHandler() throws {
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 2)
        last = (pool, self)
        atexit {
            guard let (pool, surroundings) = last else { return }
            let value = (try? pool.submit(increment, 1).result(timeout: .seconds(30))) ?? -1
            pool.shutdown()
            surroundings.say("value \(value)")
        }
        for number in 0..<20 { _ = try pool.submit(increment, number) }
    }

    /// The program exits in a thread of the pool that an exit handler shuts down.
    func exitWithin(_ place: String) throws {
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
        let threads = try ThreadPoolExecutor(maxWorkers: 1)
        last = (pool, self)
        lastThreads = threads
        atexit {
            lastThreads?.shutdown()
            last?.pool.shutdown()
            last?.surroundings.say("over")
        }
        if place == "task" {
            _ = try threads.submit { exit(3) }
        } else {
            try pool.submit(increment, 1).addDoneCallback { _ in exit(3) }
        }
        while true { pause() }
    }

    /// The program ends while threads of a pool are in calls that never do.
    func leaveThreads() throws {
        let threads = try ThreadPoolExecutor(maxWorkers: 2)
        let futures = try (0..<3).map { _ in try threads.submit { while true { pause() } } }
        while futures.count(where: { $0.isRunning }) < 2 { sched_yield() }
        say("over")
    }
}

/// Written before the exit handler is there, read by it.
nonisolated(unsafe) private var last: (pool: ProcessPoolExecutor, surroundings: Surroundings)?
nonisolated(unsafe) private var lastThreads: ThreadPoolExecutor?
