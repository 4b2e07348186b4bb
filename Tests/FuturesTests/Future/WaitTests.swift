import TestSupport
import Testing

@testable import Futures

private struct Refusal: Error {}

/// Several pending futures.
private func pending(_ count: Int) -> [Future<Int>] { (0..<count).map { _ in Future() } }

extension AnyFuture {
    /// Whether somebody waits for this future among others.
    var hasObservers: Bool { !links.withLock { $0.observers.isEmpty } }
}

@Suite struct WaitTests {
    @Test(
        "empty input returns at once", .proves(.W1),
        arguments: [ReturnWhen.firstCompleted, .firstException, .allCompleted])
    func empty(returnWhen: ReturnWhen) async {
        blocking {
            let (done, notDone) = wait([Future<Int>](), returnWhen: returnWhen)
            #expect(done.isEmpty && notDone.isEmpty)
        }
        let (done, notDone) = await wait([Future<Int>](), returnWhen: returnWhen)
        #expect(done.isEmpty && notDone.isEmpty)
    }

    @Test("mixed types, duplicates count once, a timeout is not an error", .proves(.W1))
    func mixed() {
        let number = Future<Int>()
        let text = Future<String>()
        number.fulfil(1)
        let (done, notDone) = wait([number, text, number, text], timeout: .zero)
        #expect(done == [number])
        #expect(notDone == [text])
        #expect(wait([number, text], timeout: .milliseconds(5)).notDone == [text])
        text.fulfil("")
        #expect(wait(Set([number, text])).done.count == 2)
        #expect(!number.hasObservers && !text.hasObservers)
    }

    @Test("what is over at once, without waiting", .proves(.W2, .W3))
    func overAtOnce() {
        let futures = pending(4)
        futures[0].cancel()
        #expect(wait(futures, returnWhen: .firstCompleted).done == [futures[0]])
        // A cancellation is not an exception.
        #expect(wait(futures, timeout: .zero, returnWhen: .firstException).done == [futures[0]])
        futures[1].fulfil(1)
        #expect(wait(futures, timeout: .zero, returnWhen: .firstException).notDone.count == 2)
        futures[2].fail(Refusal())
        let (done, notDone) = wait(futures, returnWhen: .firstException)
        #expect(done == Set(futures[0...2]))
        #expect(notDone == [futures[3]])
        #expect(!futures[3].hasObservers)
        futures[3].fulfil(1)
        #expect(wait(futures).notDone.isEmpty)
    }

    @Test(
        "with some done already firstCompleted gives all of them at once, in blocking and in async code",
        .proves(.W3, .W7))
    func firstIsThere() async {
        let futures = pending(3)
        futures[0].fulfil(0)
        futures[2].fulfil(2)
        let start = ContinuousClock.now
        blocking {
            let (done, notDone) = wait(futures, timeout: longTime, returnWhen: .firstCompleted)
            #expect(done == [futures[0], futures[2]])
            #expect(notDone == [futures[1]])
        }
        let (done, notDone) = await wait(futures, timeout: longTime, returnWhen: .firstCompleted)
        #expect(done == [futures[0], futures[2]])
        #expect(notDone == [futures[1]])
        // Neither came to the end of its time.
        #expect(ContinuousClock.now - start < longTime)
        #expect(futures[1].state == .pending && !futures[1].hasObservers)
    }

    enum Case: CaseIterable { case firstCompleted, firstException, noException, allCompleted, cancelled, timeout }

    /// What one case waits for, what happens meanwhile, and what is done then.
    private func play(
        _ event: Case, _ futures: [Future<Int>], isWaiting: () throws -> Void
    ) rethrows -> Set<Future<Int>> {
        try isWaiting()
        switch event {
        case .firstCompleted:
            futures[1].fulfil(1)
            return [futures[1]]
        case .firstException:
            futures[0].fulfil(1)
            futures[1].cancel()
            futures[2].fail(Refusal())
            return Set(futures[0...2])
        case .noException, .allCompleted:
            futures.forEach { $0.fulfil(1) }
            return Set(futures)
        case .cancelled:
            // W4: no owner has been notified of these.
            futures.forEach { $0.cancel() }
            return Set(futures)
        case .timeout: return []
        }
    }

    private func returnWhen(_ event: Case) -> ReturnWhen {
        switch event {
        case .firstCompleted: .firstCompleted
        case .firstException, .noException: .firstException
        default: .allCompleted
        }
    }

    @Test("a sleeping thread wakes when the condition holds", .proves(.W2, .W4, .W7), arguments: Case.allCases)
    func wakes(event: Case) throws {
        let futures = pending(4)
        let result = Future<Set<Future<Int>>>()
        let threads = TestThreads()
        threads.start { [returnWhen = returnWhen(event)] in
            let timeout = event == .timeout ? Duration.milliseconds(10) : nil
            result.fulfil(wait(futures, timeout: timeout, returnWhen: returnWhen).done)
        }
        let expected = try play(event, futures) {
            if event != .timeout { try spin { futures[3].hasObservers && futures[0].hasObservers } }
        }
        threads.join()
        #expect(try result.result().isSuperset(of: expected))
        if event != .firstCompleted { #expect(try result.result() == expected) }
        #expect(!futures.contains { $0.hasObservers })
    }

    @Test("a suspended task goes on when the condition holds", .proves(.W2, .W4, .W7), arguments: Case.allCases)
    func resumes(event: Case) async throws {
        let futures = pending(4)
        let task = Task { [returnWhen = returnWhen(event)] in
            let timeout = event == .timeout ? Duration.milliseconds(10) : nil
            return await wait(futures, timeout: timeout, returnWhen: returnWhen).done
        }
        if event != .timeout { try await spin { futures.allSatisfy { $0.hasObservers } } }
        let expected = play(event, futures) {}
        #expect(await task.value == expected)
        #expect(!futures.contains { $0.hasObservers })
    }

    @Test("a cancelled task stops waiting at once, and cancels nothing", .proves(.W7))
    func taskCancellation() async throws {
        let futures = pending(2)
        let task = Task { await wait(futures).notDone }
        try await spin { futures.allSatisfy { $0.hasObservers } }
        task.cancel()
        #expect(await task.value == Set(futures))
        #expect(futures.allSatisfy { $0.state == .pending && !$0.hasObservers })
    }
}

/// Runs blocking code within an async test.
func blocking<R>(_ body: () throws -> R) rethrows -> R { try body() }
