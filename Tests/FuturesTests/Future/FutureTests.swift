import TestSupport
import Testing

@testable import Futures

private struct Refusal: Error, Equatable {}

/// A future in each of its five states.
private func futures() throws -> [(name: String, future: Future<Int>)] {
    let running = Future<Int>()
    #expect(try running.setRunningOrNotifyCancel())
    let cancelled = Future<Int>()
    #expect(cancelled.cancel())
    let notified = Future<Int>()
    #expect(notified.cancel())
    #expect(try !notified.setRunningOrNotifyCancel())
    let returned = Future<Int>()
    try returned.setResult(7)
    let failed = Future<Int>()
    try failed.setException(Refusal())
    return [
        ("pending", Future<Int>()), ("running", running), ("cancelled", cancelled), ("notified", notified),
        ("returned", returned), ("failed", failed),
    ]
}

@Suite struct FutureTests {
    @Test("the states, as asked from outside; both kinds of cancelled look alike", .proves(.F1, .F4))
    func states() throws {
        let expected: [String: (FutureState, cancelled: Bool, running: Bool, done: Bool)] = [
            "pending": (.pending, false, false, false), "running": (.running, false, true, false),
            "cancelled": (.cancelled, true, false, true), "notified": (.cancelled, true, false, true),
            "returned": (.finished, false, false, true), "failed": (.finished, false, false, true),
        ]
        for (name, future) in try futures() {
            let (state, cancelled, running, done) = try #require(expected[name])
            #expect(future.state == state)
            #expect(future.isCancelled == cancelled)
            #expect(future.isRunning == running)
            #expect(future.isDone == done)
        }
    }

    @Test("cancel() is true for what is pending or cancelled; nothing else changes by it", .proves(.F3))
    func cancelling() throws {
        for (name, future) in try futures() {
            let before = future.state
            let isCancelled = future.cancel()
            #expect(isCancelled == ["pending", "cancelled", "notified"].contains(name))
            #expect(future.state == (name == "pending" ? .cancelled : before))
        }
    }

    @Test("only a pending future starts running, only an unnotified cancelled one is notified", .proves(.F2, .F12))
    func startingToRun() throws {
        for (name, future) in try futures() {
            switch name {
            case "pending": #expect(try future.setRunningOrNotifyCancel())
            case "cancelled": #expect(try !future.setRunningOrNotifyCancel())
            default:
                let before = future.state
                #expect(throws: InvalidStateError.self) { try future.setRunningOrNotifyCancel() }
                #expect(future.state == before)
            }
        }
    }

    @Test("an outcome for a cancelled or finished future is refused, and the first one stays", .proves(.F13))
    func secondOutcome() throws {
        for (name, future) in try futures() {
            if ["pending", "running"].contains(name) {
                try future.setResult(1)
                #expect(try future.result(timeout: .zero) == 1)
            } else {
                let before = future.description
                let refusal = #expect(throws: InvalidStateError.self) { try future.setResult(1) }
                #expect(refusal?.state == future.state)
                #expect(throws: InvalidStateError.self) { try future.setException(Refusal()) }
                #expect(future.description == before)
            }
        }
    }

    @Test("results and exceptions of each state, without waiting", .proves(.F6, .F7))
    func reading() throws {
        for (name, future) in try futures() {
            switch name {
            case "pending", "running":
                for timeout in [Duration.zero, .seconds(-5)] {
                    #expect(throws: TimeoutError.self) { try future.result(timeout: timeout) }
                    #expect(throws: TimeoutError.self) { try future.exception(timeout: timeout) }
                }
                #expect(!future.isDone)
            case "returned":
                #expect(try future.result() == 7)
                #expect(try future.exception() == nil)
            case "failed":
                #expect(throws: Refusal()) { try future.result() }
                #expect(try future.exception() is Refusal)
            default:
                #expect(throws: CancelledError()) { try future.result() }
                #expect(throws: CancelledError()) { try future.exception() }
            }
        }
    }

    @Test("a wait ends after its timeout, and not before", .proves(.F6))
    func timeout() {
        let future = Future<Int>()
        let begin = ContinuousClock.now
        #expect(throws: TimeoutError.self) { try future.result(timeout: .milliseconds(20)) }
        #expect(ContinuousClock.now - begin >= .milliseconds(20))
        #expect(future.state == .pending)
    }

    @Test(
        "timeouts too long to count are no limit", .proves(.F6),
        arguments: [Duration.seconds(Int64.max), .seconds(1 << 40)])
    func endlessTimeout(timeout: Duration) throws {
        let future = Future<Int>()
        let threads = TestThreads()
        threads.start { #expect(throws: Never.self) { try future.result(timeout: timeout) } }
        try spin { future.hasSleepers }
        future.fulfil(1)
        threads.join()
    }

    @Test("a task's own TimeoutError and the one of the wait can be told apart", .proves(.F8))
    func timeoutErrors() throws {
        let inner = Future<Int>()
        let future = Future<Int>()
        let ofWait = try #require(throws: TimeoutError.self) { try future.result(timeout: .zero) }
        #expect(ofWait.source == .wait)
        do { _ = try inner.result(timeout: .zero) } catch { try future.setException(error) }
        let ofTask = try #require(throws: TimeoutError.self) { try future.result(timeout: .zero) }
        #expect(ofTask.source == .task)
        #expect(ofTask != ofWait)
    }

    @Test(
        "sleeping threads wake on result, error and cancellation", .proves(.F9),
        arguments: ["result", "error", "cancel"])
    func waking(how: String) throws {
        let future = Future<Int>()
        let threads = TestThreads()
        for _ in 0..<3 {
            threads.start {
                switch how {
                case "result": #expect((try? future.result()) == 1)
                case "error": #expect(throws: Refusal()) { try future.result() }
                default: #expect(throws: CancelledError()) { try future.result() }
                }
            }
        }
        try spin { future.hasSleepers }
        switch how {
        case "result": try future.setResult(1)
        case "error": try future.setException(Refusal())
        default: #expect(future.cancel())
        }
        threads.join()
    }

    @Test("the description says function, state and type of the outcome", .proves(.F11))
    func descriptions() throws {
        #expect(
            try futures().map { $0.future.description } == [
                "<Future: pending>", "<Future: running>", "<Future: cancelled>", "<Future: cancelled>",
                "<Future: finished, returned Int>", "<Future: finished, threw Refusal>",
            ])
        let named = Future<[String]>(owner: nil, ticket: 0, functionName: "words")
        #expect(named.description == "<Future of \"words\": pending>")
        named.fulfil([])
        #expect(named.description == "<Future of \"words\": finished, returned Array<String>>")
    }

    @Test("futures are equal and hash by identity, whatever their types", .proves(.F14))
    func identity() throws {
        let first = Future<Int>()
        let second = Future<Int>()
        try first.setResult(1)
        try second.setResult(1)
        #expect(first == first)
        #expect(first != second)
        let mixed = [first, second, Future<String>(), first]
        #expect(Set(mixed).count == 3)
    }

    @Test("the snapshot has state and outcome together", .proves(.F15))
    func snapshots() throws {
        for (name, future) in try futures() {
            switch (name, future.snapshot) {
            case ("pending", .pending), ("running", .running), ("cancelled", .cancelled), ("notified", .cancelled):
                break
            case ("returned", .finished(.success(7))): break
            case ("failed", .finished(.failure(let error))): #expect(error is Refusal)
            case (_, let other): Issue.record("\(name): \(other)")
            }
        }
    }

    @Test("a value of any size, or an error, is there until the future goes, and goes with it")
    func valueLifetime() throws {
        final class Object: Sendable {}
        struct Large: Sendable, Equatable {
            var numbers = (1, 2, 3, 4, 5)
            var text = String(repeating: "long enough for memory of its own", count: 2)
            static func == (left: Large, right: Large) -> Bool {
                left.numbers == right.numbers && left.text == right.text
            }
        }
        weak var object: Object?
        do {
            let future = Future<(Object, Large)>()
            try {
                let value = Object()
                object = value
                try future.setResult((value, Large()))
                #expect(throws: InvalidStateError.self) { try future.setResult((Object(), Large())) }
            }()
            #expect(object != nil)
            #expect(try future.result().1 == Large())
            #expect(try future.result().0 === object)
        }
        #expect(object == nil)
        struct Failure: Error { var object: Object }
        do {
            let future = Future<Large>()
            try {
                let value = Object()
                object = value
                try future.setException(Failure(object: value))
                #expect(throws: InvalidStateError.self) { try future.setException(Failure(object: Object())) }
            }()
            #expect(object != nil)
            #expect((try future.exception() as? Failure)?.object === object)
        }
        #expect(object == nil)
        let nothing = Future<Void>()
        try nothing.setResult(())
        try nothing.result()
    }
}

@Suite struct FutureAsyncTests {
    @Test("awaiting gives the value, the error or the cancellation, before and after completion", .proves(.F16))
    func values() async throws {
        let future = Future<Int>()
        async let value = future.value
        try await spin { !future.links.withLock { $0.observers.isEmpty } }
        try future.setResult(3)
        #expect(try await value == 3)
        #expect(try await future.value == 3)
        let failed = Future<Int>()
        try failed.setException(Refusal())
        await #expect(throws: Refusal()) { try await failed.value }
        let cancelled = Future<Int>(owner: nil, ticket: 0, functionName: "work")
        cancelled.cancel()
        await #expect(throws: CancelledError(functionName: "work")) { try await cancelled.value }
    }

    @Test("a cancelled task stops waiting at once, and the call goes on", .proves(.F16))
    func taskCancellation() async throws {
        let future = Future<Int>()
        let task = Task { try await future.value }
        try await spin { !future.links.withLock { $0.observers.isEmpty } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(future.state == .pending)
        #expect(future.links.withLock { $0.observers.isEmpty })
        try future.setResult(1)
        #expect(try await future.value == 1)
    }

    @Test("a task cancelled before it waits gets what is there, and else a CancellationError", .proves(.F16))
    func cancelledBefore() async throws {
        let done = Future<Int>()
        try done.setResult(1)
        let pending = Future<Int>()
        let gate = Future<Void>()
        let task = Task {
            await #expect(throws: CancellationError.self) { try await gate.value }
            let value = try? await done.value
            #expect(value == 1)
            await #expect(throws: CancellationError.self) { try await pending.value }
        }
        task.cancel()
        await task.value
    }
}

extension AnyFuture {
    /// Whether a thread sleeps on the future, or is about to.
    var hasSleepers: Bool { FutureWord(bits: word.load(ordering: .relaxed)).hasSleepers }
}
