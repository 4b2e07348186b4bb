import CProto
import Glibc
import TestFunctions
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

extension ProcessSuites {
    /// Workers that are killed at random, every few milliseconds, in a pool that retries.
    ///
    /// A round is small by default; `scripts/chaos.sh` makes it 100,000 short and 1,000 long calls, and repeats it.
    @Suite struct ChaosTests {
        private static func setting(_ name: String) -> Int? {
            getenv(name).flatMap { Int(String(cString: $0)) }
        }

        private let seconds = setting("FUTURES_CHAOS_SECONDS")
        /// The thread sanitizer makes starts some ten times as long.
        private static let isSanitized = getenv("FUTURES_THREAD_SANITIZER") != nil

        @Test(
            "workers that are killed at random cost nothing but time: every result is there, once, and right",
            .proves(.P4), arguments: [nil, 50])
        func chaos(maxTasksPerChild: Int?) throws {
            let end = ContinuousClock.now + .seconds((seconds ?? 0) / 2)
            var rounds = 0
            var killed = 0
            repeat {
                killed += try round(maxTasksPerChild)
                rounds += 1
            } while ContinuousClock.now < end
            #expect(killed > 0)
            if seconds != nil {
                print(
                    "\(rounds) rounds, \(killed) workers killed, \(maxTasksPerChild.map(String.init) ?? "any") tasks each"
                )
            }
        }

        /// - Returns: how many workers were killed.
        private func round(_ maxTasksPerChild: Int?) throws -> Int {
            let (short, long) = seconds == nil ? (5_000, 100) : (100_000, 1_000)
            let patience = seconds == nil ? longTime : .seconds(600)
            return try Leftovers.check {
                let patient = RetryPolicy(crashes: 1_000, memoryKills: 1_000, backoff: .none)
                let pool = try makePool(
                    maxWorkers: 4, maxTasksPerChild: maxTasksPerChild, onWorkerLoss: .retry(patient))
                #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                let completions = Atomic<Int>(0)
                let killer = try WorkerKiller(of: pool, every: Self.isSanitized ? 50_000 : 3_000)
                let futures =
                    try (0..<short).map { try pool.submit(increment, $0) }
                    + (0..<long).map { try pool.submit(incrementSlowly, $0, 2_000) }
                for future in futures {
                    future.addDoneCallback { (_: AnyFuture) in completions.add(1, ordering: .relaxed) }
                }
                let chunks = try pool.map(increment, 0..<short, chunkSize: 100)
                for (index, future) in futures.enumerated() {
                    let n = index < short ? index : index - short
                    let value = try future.result(timeout: patience)
                    if value != n + 1 { Issue.record("call \(index) gave \(value)") }
                }
                #expect(try chunks.collect() == Array(1...short))
                let killed = killer.stop()
                pool.shutdown()
                #expect(completions.load(ordering: .relaxed) == short + long, "each exactly once")
                return killed
            }
        }
    }
}

/// Kills workers of a pool, one at random every so often, until it is stopped.
final class WorkerKiller: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let killed = Atomic<Int>(0)
    private let thread = DriverThread(name: "killer")

    init(of pool: ProcessPoolExecutor, every microseconds: UInt32) throws {
        let driver = pool.driver
        try thread.start { [self] in
            while !isStopped.load(ordering: .relaxed) {
                usleep(microseconds)
                guard let link = driver.links.withLock({ $0.values.randomElement() }) else { continue }
                // On a loaded machine a start takes longer than the time between two kills: some have to get through.
                let (isStarting, ready) = driver.core.withLock { ($0.state.isStarting(link.id), $0.state.readyCount) }
                if isStarting, ready == 0 || Int.random(in: 0..<10) > 0 { continue }
                // Its descriptor means this one process, also when that is reaped meanwhile.
                let signal = [SIGKILL, SIGTERM, SIGUSR1].randomElement()!
                if futures_pidfd_signal(link.pidfd.rawValue, signal) == 0 { killed.add(1, ordering: .relaxed) }
            }
        }
    }

    /// Returns how many were killed.
    func stop() -> Int {
        isStopped.store(true, ordering: .relaxed)
        thread.join()
        return killed.load(ordering: .relaxed)
    }
}
