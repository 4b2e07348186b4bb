import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Pools that come and go in one process for a long time leave nothing, be it as little as a few bytes each.
    ///
    /// In a process of their own, so that what other tests keep for later does not count. Not under the thread sanitizer,
    /// where a worker takes a second to exit.
    @Suite(.enabled(if: WorkerLossTests.crashesArePlain)) struct ManyPoolsTests {
        /// Uses pools one after the other, and compares what there is half-way with what there is at the end.
        ///
        /// The conditions come with comments, since those are all that the test's own process is told.
        static func useManyPools(
            _ count: Int, sourceLocation: SourceLocation = #_sourceLocation, _ usePool: () throws -> Void
        ) throws {
            // Ends the process if it hangs: the test fails then.
            alarm(300)
            // The first uses of everything keep something for later.
            for _ in 0..<count / 2 { try usePool() }
            _ = Leftovers.now()
            let (threads, before) = (threadCount(), Leftovers.now())
            // The smallest piece of memory that malloc gives out is of 32 bytes.
            let limit = hasAddressSanitizer ? Int.max : count / 6 * 16
            // What malloc keeps for a thread comes and goes, at times for hundreds of pools; what is lost with each pool is
            // lost each time.
            var growths: [Int] = []
            var growth: Int { growths.sorted()[growths.count / 2] }
            while growths.count < 3 || growth >= limit && growths.count < 15 {
                let memory = memoryInUse()
                for _ in 0..<count / 6 { try usePool() }
                growths.append(memoryInUse() - memory)
            }
            // A joined thread may be listed a moment longer.
            for _ in 0..<1_000 where threadCount() > threads { usleep(1_000) }
            let left = Leftovers.now().added(to: before)
            #expect(left.isEmpty, "left over: \(left)", sourceLocation: sourceLocation)
            #expect(threadCount() <= threads, "there were \(threads) threads", sourceLocation: sourceLocation)
            #expect(growth < limit, "malloc has given out more: \(growths) bytes", sourceLocation: sourceLocation)
        }

        private static func threadCount() -> Int { ProcFiles.entries(of: "/proc/self/task").count }

        @Test("500 process pools, each with two workers, leave no descriptor, process, thread or memory")
        func processPools() async {
            await #expect(processExitsWith: .success) {
                let folder = TemporaryFolder()
                try ManyPoolsTests.useManyPools(500) {
                    let pool = try makePool()
                    // Only two workers can do that.
                    let futures = [
                        try pool.submit(meet, folder.file("a"), folder.file("b")),
                        try pool.submit(meet, folder.file("b"), folder.file("a")),
                    ]
                    for future in futures { #expect(try future.result(timeout: longTime) == 1, "a result") }
                    pool.shutdown()
                    for name in ["a", "b"] { unlink(folder.file(name)) }
                }
            }
        }

        @Test("500 thread pools, each with two threads, leave no descriptor, thread or memory")
        func threadPools() async {
            await #expect(processExitsWith: .success) {
                try ManyPoolsTests.useManyPools(500) {
                    let pool = try ThreadPoolExecutor(maxWorkers: 2)
                    let (arrived, leave) = (Gate(), Gate())
                    let futures = try (0..<2).map { number in
                        try pool.submit {
                            arrived.open()
                            try leave.wait()
                            return number
                        }
                    }
                    // Both threads are there.
                    try arrived.wait(2)
                    leave.open(2)
                    for (number, future) in futures.enumerated() {
                        #expect(try future.result(timeout: longTime) == number, "a result")
                    }
                    pool.shutdown()
                }
            }
        }
    }
}
