import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

/// The error of the future of that number.
private struct Refusal: Error, Equatable {
    let index: Int
}

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

    @Test(
        "what threads see of a future is pending, then running, then the right value, and never an earlier one again",
        .proves(.F2, .F15))
    func snapshots() {
        let futures = (0..<Self.count).map { _ in Future<Int>() }
        let threads = TestThreads()
        for _ in 0..<2 {
            threads.start {
                for (value, future) in futures.enumerated() {
                    guard Self.follow(future, to: value) else {
                        Issue.record("\(future), of number \(value)")
                        return
                    }
                }
            }
        }
        threads.start {
            do {
                for (value, future) in futures.enumerated() {
                    let runs = try future.setRunningOrNotifyCancel()
                    #expect(runs)
                    try future.setResult(value)
                }
            } catch {
                Issue.record("\(error)")
            }
        }
        threads.join()
    }

    /// Looks at a future until it is finished.
    ///
    /// - Returns: whether it got there by way of its states alone, and has the value.
    private static func follow(_ future: Future<Int>, to value: Int) -> Bool {
        var last = 0
        do {
            try spin {
                guard let now = progress(of: future, to: value), now >= last else {
                    last = -1
                    return true
                }
                last = now
                return now == 2
            }
        } catch {
            return false
        }
        return last == 2
    }

    /// How far a future is on its way to the value; nil if it is not.
    private static func progress(of future: Future<Int>, to value: Int) -> Int? {
        switch future.snapshot {
        case .pending: 0
        case .running: 1
        case .finished(.success(let found)) where found == value: 2
        default: nil
        }
    }

    @Test(
        "of two threads that complete a future one is refused, and who waits gets what the other one set",
        .proves(.F9, .F13))
    func completers() async throws {
        let futures = (0..<2_000).map { _ in Future<Int>() }
        let (values, errors) = (Future<[Bool]>(), Future<[Bool]>())
        let (threads, both) = (TestThreads(), Gate())
        let start = ContinuousClock.now
        let outcomes = try await withThrowingTaskGroup(of: (Int, Result<Int, any Error>).self) { group in
            for (index, future) in futures.enumerated() {
                group.addTask {
                    do {
                        return (index, .success(try await future.result(timeout: longTime)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            try await spin { futures.allSatisfy { $0.hasObservers } }
            threads.start {
                try? both.wait()
                values.fulfil(futures.indices.map { index in Self.isTaken { try futures[index].setResult(index) } })
            }
            threads.start {
                try? both.wait()
                errors.fulfil(
                    futures.indices.map { index in
                        Self.isTaken { try futures[index].setException(Refusal(index: index)) }
                    })
            }
            both.open(2)
            return try await group.reduce(into: [Int: Result<Int, any Error>]()) { $0[$1.0] = $1.1 }
        }
        threads.join()
        // A wake-up that is lost is made up for at the end of the time.
        #expect(ContinuousClock.now - start < longTime)
        let (valueIsTaken, errorIsTaken) = (try await values.value, try await errors.value)
        for index in futures.indices {
            #expect(valueIsTaken[index] != errorIsTaken[index])
            switch try #require(outcomes[index]) {
            case .success(let value): #expect(valueIsTaken[index] && value == index)
            case .failure(let error): #expect(errorIsTaken[index] && error as? Refusal == Refusal(index: index))
            }
        }
    }

    /// Whether a future takes its outcome. What it throws otherwise says that it is finished.
    private static func isTaken(_ complete: () throws -> Void) -> Bool {
        do {
            try complete()
            return true
        } catch {
            #expect((error as? InvalidStateError)?.state == FutureState.finished)
            return false
        }
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
