import TestSupport
import Testing

@testable import Futures

/// The thread pool's decisions by themselves: no thread, no lock, no future.
@Suite struct ThreadPoolStateTests {
    private struct Failure: Error {}

    /// What a step says, comparable.
    private func text(_ step: ThreadPoolState<String>.Step) -> String {
        switch step {
        case .run(let job): "run \(job)"
        case .sleep: "sleep"
        case .end(let isLast): isLast ? "end, last" : "end"
        }
    }

    @Test("threads start on demand, up to the most; then jobs wait", .proves(.T1))
    func startsOnDemand() throws {
        var state = ThreadPoolState<String>(maxThreads: 2)
        #expect(try state.submitted("a").wakeup == .start(0))
        #expect(try state.submitted("b").wakeup == .start(1))
        #expect(try state.submitted("c").wakeup == .none)
        #expect(text(state.lookedForWork(1)) == "run a")
        #expect(text(state.lookedForWork(0)) == "run b")
        #expect(text(state.lookedForWork(0)) == "run c")
        #expect(text(state.lookedForWork(0)) == "sleep")
        #expect(state.threadCount == 2)
        #expect(state.idleCount == 1)
    }

    @Test("an idle thread is used before one is started, the one that slept last first", .proves(.T1))
    func idleFirst() throws {
        var state = ThreadPoolState<String>(maxThreads: 4)
        for thread in 0..<3 {
            #expect(try state.submitted("\(thread)").wakeup == .start(thread))
            #expect(text(state.lookedForWork(thread)) == "run \(thread)")
        }
        for thread in [1, 0] { #expect(text(state.lookedForWork(thread)) == "sleep") }
        #expect(try state.submitted("a").wakeup == .wake(0))
        #expect(try state.submitted("b").wakeup == .wake(1))
        #expect(try state.submitted("c").wakeup == .start(3))
    }

    @Test("jobs are begun in order; a cancelled one is given back, unless it was begun", .proves(.S2, .F3))
    func order() throws {
        var state = ThreadPoolState<String>(maxThreads: 1)
        let tickets = try ["a", "b", "c"].map { try state.submitted($0).ticket }
        #expect(text(state.lookedForWork(0)) == "run a")
        #expect(state.cancelled(tickets[0]) == nil)
        #expect(state.cancelled(tickets[1]) == "b")
        #expect(state.waitingCount == 1)
        #expect(text(state.lookedForWork(0)) == "run c")
    }

    @Test("shutdown wakes the sleepers, runs what waits, and refuses the rest", .proves(.H1, .S3))
    func shutdown() throws {
        var state = ThreadPoolState<String>(maxThreads: 2)
        _ = try state.submitted("a")
        #expect(text(state.lookedForWork(0)) == "run a")
        _ = try state.submitted("b")
        _ = try state.submitted("c")
        #expect(text(state.lookedForWork(1)) == "run b")
        let closing = state.shutDown(cancelling: false)
        #expect(closing.wake == [] && closing.dropped == [] && !closing.isFinished)
        #expect(throws: PoolRefusal.self) { _ = try state.submitted("d") }
        #expect(text(state.lookedForWork(0)) == "run c")
        #expect(text(state.lookedForWork(1)) == "end")
        #expect(state.shutDown(cancelling: true).dropped == [])
        #expect(text(state.lookedForWork(0)) == "end, last")
    }

    @Test("shutdown without threads is over at once; with cancelling it drops what waits", .proves(.H1, .H3))
    func shutdownVariants() throws {
        var fresh = ThreadPoolState<String>(maxThreads: 2)
        #expect(fresh.shutDown(cancelling: false).isFinished)
        var state = ThreadPoolState<String>(maxThreads: 1)
        for job in ["a", "b", "c"] { _ = try state.submitted(job) }
        #expect(text(state.lookedForWork(0)) == "run a")
        let closing = state.shutDown(cancelling: true)
        #expect(closing.dropped == ["b", "c"])
        #expect(!closing.isFinished)
        var sleeping = ThreadPoolState<String>(maxThreads: 1)
        _ = try sleeping.submitted("a")
        #expect(text(sleeping.lookedForWork(0)) == "run a")
        #expect(text(sleeping.lookedForWork(0)) == "sleep")
        #expect(sleeping.shutDown(cancelling: false).wake == [0])
        #expect(text(sleeping.lookedForWork(0)) == "end, last")
    }

    @Test("an initializer that throws breaks the pool: what waits is dropped, all threads end", .proves(.T3))
    func broken() throws {
        var state = ThreadPoolState<String>(maxThreads: 2)
        _ = try state.submitted("a")
        #expect(text(state.lookedForWork(0)) == "run a")
        _ = try state.submitted("b")
        _ = try state.submitted("c")
        let closing = state.initializerFailed(Failure())
        #expect(closing.dropped == ["b", "c"])
        #expect(closing.wake == [])
        #expect(text(state.lookedForWork(1)) == "end")
        do {
            _ = try state.submitted("d")
            Issue.record("taken")
        } catch {
            guard case .broken(let cause) = error, cause is Failure else { throw error }
        }
        #expect(text(state.lookedForWork(0)) == "end, last")
        #expect(state.shutDown(cancelling: true).isFinished)
        do {
            _ = try state.submitted("e")
            Issue.record("taken")
        } catch {
            guard case .shutDown = error else { throw error }
        }
    }

    @Test("Without a thread from the system, nothing is left waiting for it")
    func noThread() throws {
        var state = ThreadPoolState<String>(maxThreads: 1)
        #expect(try state.submitted("a").wakeup == .start(0))
        #expect(try state.submitted("b").wakeup == .none)
        #expect(state.threadFailedToStart().dropped == ["a", "b"])
        #expect(try state.submitted("c").wakeup == .start(1))
        #expect(text(state.lookedForWork(1)) == "run c")
        var larger = ThreadPoolState<String>(maxThreads: 2)
        _ = try larger.submitted("a")
        _ = try larger.submitted("b")
        #expect(larger.threadFailedToStart().dropped == [])
        #expect(text(larger.lookedForWork(0)) == "run a")
        #expect(text(larger.lookedForWork(0)) == "run b")
    }
}
