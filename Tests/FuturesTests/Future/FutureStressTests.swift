import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

/// Races, with as many of each kind as there are futures; under the thread sanitizer, too.
@Suite struct FutureStressTests {
    private static let count = 10_000

    /// How often something happened.
    private final class Tally: Sendable {
        private let number = Atomic<Int>(0)

        func add() { number.add(1, ordering: .relaxed) }
        var value: Int { number.load(ordering: .sequentiallyConsistent) }
    }

    @Test("waiters, cancellers and completers race for 10,000 futures; nobody is left asleep", .proves(.F9))
    func race() throws {
        let futures = (0..<Self.count).map { _ in Future<Int>() }
        let callbacks = Tally()
        let cancelled = Tally()
        let completed = Tally()
        let threads = TestThreads()
        for reader in 0..<2 {
            threads.start {
                // One goes with the completers, one against them: it sleeps now and then.
                for future in reader == 0 ? futures : futures.reversed() {
                    let outcome = Result { try future.result() }
                    switch (outcome, future.snapshot) {
                    case (.success(let value), .finished(.success(let same))): #expect(value == same)
                    case (.failure(let error), .cancelled): #expect(error is CancelledError)
                    default: Issue.record("\(outcome), \(future)")
                    }
                }
            }
        }
        threads.start {
            for future in futures { future.addDoneCallback { _ in callbacks.add() } }
        }
        threads.start {
            for future in futures where future.cancel() { cancelled.add() }
        }
        threads.start {
            for (index, future) in futures.enumerated() where future.markStarted() {
                #expect(future.fulfil(index))
                completed.add()
            }
        }
        threads.start { #expect(wait(futures).notDone.isEmpty) }
        threads.start {
            var given = 0
            for future in asCompleted(futures) {
                #expect(future.isDone)
                given += 1
            }
            #expect(given == futures.count)
        }
        threads.join()
        #expect(callbacks.value == Self.count)
        #expect(cancelled.value + completed.value == Self.count)
    }

    @Test("every hand-over between two threads arrives", .proves(.F9))
    func pingPong() throws {
        let there = (0..<Self.count).map { _ in Future<Int>() }
        let back = (0..<Self.count).map { _ in Future<Int>() }
        let threads = TestThreads()
        threads.start {
            for index in 0..<Self.count {
                there[index].fulfil(index)
                #expect((try? back[index].result()) == index + 1)
            }
        }
        threads.start {
            for index in 0..<Self.count {
                let value = (try? there[index].result()) ?? -1
                back[index].fulfil(value + 1)
            }
        }
        threads.join()
    }

    @Test("tasks await 10,000 futures, and half of them are cancelled at it", .proves(.F9, .F16))
    func tasks() async throws {
        let futures = (0..<Self.count).map { _ in Future<Int>() }
        let threads = TestThreads()
        let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
            var isEven = true
            for future in futures {
                isEven.toggle()
                group.addTask { [isEven] in
                    if isEven { withUnsafeCurrentTask { $0?.cancel() } }
                    do {
                        return try await future.value >= 0
                    } catch is CancellationError {
                        #expect(isEven)
                        return false
                    }
                }
            }
            threads.start { for (index, future) in futures.enumerated() { future.fulfil(index) } }
            return try await group.reduce(into: [true: 0, false: 0]) { $0[$1]! += 1 }
        }
        threads.join()
        #expect(outcomes[true]! >= Self.count / 2)
        #expect(outcomes[true]! + outcomes[false]! == Self.count)
        #expect(!futures.contains { $0.hasObservers })
    }

    @Test("callbacks added while the future completes run once each", .proves(.C1, .C2))
    func callbacks() {
        let calls = Tally()
        for _ in 0..<500 {
            let future = Future<Int>()
            let threads = TestThreads()
            for _ in 0..<2 { threads.start { for _ in 0..<5 { future.addDoneCallback { _ in calls.add() } } } }
            threads.start { future.fulfil(1) }
            threads.join()
        }
        #expect(calls.value == 500 * 10)
    }
}
