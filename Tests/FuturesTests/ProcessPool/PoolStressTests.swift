import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Many threads that do what they like to one pool. A failure is a call that never ends.
    @Suite struct PoolStressTests {
        /// So often, and less under the sanitizer, where a worker takes a second to exit.
        private func times(_ count: Int) -> Int {
            WorkerLossTests.crashesArePlain ? count : max(count / 6, 1)
        }

        /// Whether every future is done within a time in which all of the work could be done many times over.
        private func expectDone(_ futures: [AnyFuture], _ what: String = "") {
            let (_, notDone) = wait(futures, timeout: longTime)
            #expect(notDone.isEmpty, "\(what) \(notDone.count) of \(futures.count): \(notDone.prefix(3))")
        }

        @Test(
            "tasks that were sent ahead are cancelled while workers are replaced; each ends as it says",
            .proves(.F3, .F5, .P3),
            arguments: [1, 2, 3, nil])
        func cancelsUnderRecycling(maxTasksPerChild: Int?) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 2, maxTasksPerChild: maxTasksPerChild)
                for _ in 0..<10 { _ = try pool.submit(increment, 1).result(timeout: longTime) }
                let count = times(maxTasksPerChild == nil ? 5_000 : 30)
                let cancelled = Mutex<[AnyFuture]>([])
                let all = Mutex<[Future<Int>]>([])
                let threads = TestThreads()
                for thread in 0..<3 {
                    threads.start {
                        for number in 0..<count {
                            guard let future = try? pool.submit(increment, number) else { return }
                            all.withLock { $0.append(future) }
                            if (number + thread) % 3 == 0, future.cancel() { cancelled.withLock { $0.append(future) } }
                        }
                    }
                }
                threads.join()
                let futures = all.withLock { $0 }
                #expect(futures.count == 3 * count)
                expectDone(futures)
                let told = Set(cancelled.withLock { $0 })
                for future in futures {
                    // `cancel()` said yes exactly where the future is cancelled.
                    #expect(future.isCancelled == told.contains(future))
                    if !future.isCancelled { #expect(try future.result(timeout: .zero) > 0) }
                }
                pool.shutdown()
            }
        }

        @Test(
            "cancel() at the very end of a long task, while tasks lie behind it, loses no future and says what is so",
            .proves(.F3))
        func cancelsAtTheEndOfATask() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                var futures: [AnyFuture] = []
                for round in 0..<times(60) {
                    for _ in 0..<40 { futures.append(try pool.submit(increment, 1)) }
                    expectDone(futures)
                    // Long enough for the worker's watcher to look at the wire, at a time that moves with the rounds.
                    futures.append(try pool.submit(keepBusy, 20_000 + round * 97))
                    let behind = try (0..<20).map { try pool.submit(increment, $0) }
                    futures += behind
                    let answers = Mutex<[Int: Bool]>([:])
                    let threads = TestThreads()
                    for part in 0..<2 {
                        threads.start {
                            for index in stride(from: part, to: 20, by: 2) {
                                let isCancelled = behind[index].cancel()
                                answers.withLock { $0[index] = isCancelled }
                            }
                        }
                    }
                    threads.join()
                    expectDone(futures, "round \(round)")
                    let told = answers.withLock { $0 }
                    for (index, future) in behind.enumerated() {
                        #expect(told[index] == future.isCancelled, "round \(round), call \(index)")
                    }
                    futures = []
                }
                pool.shutdown()
            }
        }

        @Test("threads that cancel the same future get the same answer", .proves(.F3))
        func cancelsTogether() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                for _ in 0..<50 { _ = try pool.submit(increment, 1).result(timeout: longTime) }
                let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                let ahead = try (0..<20).map { try pool.submit(increment, $0) }
                try folder.waitFor("runs")
                let answers = Mutex<[Int: Set<Bool>]>([:])
                let threads = TestThreads()
                for _ in 0..<6 {
                    threads.start {
                        for (index, future) in ahead.enumerated() {
                            let answer = future.cancel()
                            answers.withLock { _ = $0[index, default: []].insert(answer) }
                        }
                    }
                }
                threads.join()
                folder.write("", to: "go")
                expectDone(ahead + [running])
                for (index, future) in ahead.enumerated() {
                    #expect(answers.withLock { $0[index]! }.contains(true) == future.isCancelled)
                }
                pool.shutdown()
            }
        }

        enum Ending: CaseIterable { case shutdown, cancelling, terminating, killing, dropping, losing }

        @Test(
            "ten threads submit, cancel and end one pool at random", .proves(.H1, .H2, .H3, .H7),
            arguments: Ending.allCases)
        func anything(ending: Ending) throws {
            try Leftovers.check(eventually: true) {
                for round in 0..<times(3) {
                    let seed = UInt64.random(in: 0 ... .max)
                    var holder: PoolHolder? = PoolHolder(
                        try makePool(maxWorkers: 3, maxTasksPerChild: round % 3 == 0 ? 4 : nil))
                    let all = Mutex<[AnyFuture]>([])
                    let called = Mutex(0)
                    let threads = TestThreads()
                    for number in 0..<10 {
                        let holder = holder!
                        threads.start {
                            var random = SplitMix(seed: seed &+ UInt64(number))
                            for _ in 0..<60 {
                                guard let pool = holder.pool else { return }
                                let choice = Int.random(in: 0..<100, using: &random)
                                switch choice {
                                case 0..<70:
                                    guard let future = try? pool.submit(increment, choice) else { break }
                                    future.addDoneCallback { future in
                                        called.withLock { $0 += 1 }
                                        if choice < 5, let other = try? pool.submit(increment, 1) {
                                            all.withLock { $0.append(other) }
                                        }
                                        if choice == 6 { future.cancel() }
                                    }
                                    all.withLock { $0.append(future) }
                                case 70..<95:
                                    let some = all.withLock { $0.randomElement(using: &random) }
                                    some?.cancel()
                                case 95:
                                    if let future = try? pool.submit(sumConcurrently, [1, 2]) {
                                        all.withLock { $0.append(future) }
                                    }
                                case 96..<98: sched_yield()
                                default:
                                    if Int.random(in: 0..<4, using: &random) == 0 { holder.end(ending) }
                                }
                            }
                        }
                    }
                    threads.join()
                    holder?.end(ending)
                    holder?.pool?.shutdown()
                    holder = nil
                    expectDone(all.withLock { $0 }, "\(ending), seed \(seed):")
                }
            }
        }

        @Test("many pools at once, each used from its own thread", .proves(.H4))
        func poolsSideBySide() throws {
            Leftovers.check {
                let sums = Mutex<[Int]>([])
                let threads = TestThreads()
                for number in 0..<12 {
                    threads.start {
                        for _ in 0..<times(2) {
                            guard let pool = try? makePool(maxWorkers: 2, maxTasksPerChild: 5) else { return }
                            let futures = (0..<20).compactMap { try? pool.submit(increment, number + $0) }
                            let values = futures.compactMap { try? $0.result(timeout: longTime) }
                            pool.shutdown()
                            sums.withLock { $0.append(values.count) }
                        }
                    }
                }
                threads.join()
                #expect(sums.withLock { $0 } == Array(repeating: 20, count: 12 * times(2)))
            }
        }

        @Test("payloads that fill the pipes both ways, while calls are cancelled and the pool is killed")
        func largePayloads() throws {
            try Leftovers.check {
                let bytes = [UInt8](repeating: 3, count: 5 << 20)
                let pool = try makePool(maxWorkers: 2)
                let futures = try (0..<12).map { _ in try pool.submit(echoBytes, bytes) }
                for future in futures.suffix(4) { future.cancel() }
                for future in futures.dropLast(4) { #expect(try future.result(timeout: longTime).count == bytes.count) }
                let more = try (0..<8).map { _ in try pool.submit(echoBytes, bytes) }
                _ = try more[0].result(timeout: longTime)
                pool.killWorkers()
                pool.shutdown()
                #expect((futures + more).allSatisfy { $0.isDone })
            }
        }

        @Test("a worker that is killed at any moment fails what it had, and nothing hangs", .proves(.P7))
        func killedAtAnyMoment() throws {
            try Leftovers.check {
                let bytes = [UInt8](repeating: 3, count: 3 << 20)
                for round in 0..<times(20) {
                    let pool = try makePool(maxWorkers: 1)
                    let pid = round < 5 ? nil : Int32(try pool.submit(processID).result(timeout: longTime))
                    let futures = try (0..<4).map { _ in try pool.submit(echoBytes, bytes) }
                    if let pid {
                        usleep(UInt32(round * 400))
                        kill(pid, SIGKILL)
                    } else {
                        // While it starts.
                        try spin { !Leftovers.childProcesses().isEmpty }
                        for child in Leftovers.childProcesses() { kill(child, SIGKILL) }
                    }
                    expectDone(futures)
                    pool.shutdown()
                }
            }
        }
    }
}

extension PoolHolder {
    fileprivate func end(_ ending: ProcessSuites.PoolStressTests.Ending) {
        switch ending {
        case .shutdown: pool?.shutdown(wait: false)
        case .cancelling: pool?.shutdown(wait: true, cancelFutures: true)
        case .terminating: pool?.terminateWorkers()
        case .killing: pool?.killWorkers()
        case .dropping: pool = nil
        case .losing: if let pool { _ = try? pool.submit(leave, 5) }
        }
    }
}
