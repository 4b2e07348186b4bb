import Glibc
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

/// What callbacks did, in order.
private final class Journal: Sendable {
    private let entries = Mutex<[String]>([])

    func write(_ entry: String) { entries.withLock { $0.append(entry) } }
    var all: [String] { entries.withLock { $0 } }
}

/// An owner that notes what it is asked, and answers as told.
private final class Owner: FutureOwner {
    let journal = Journal()
    let givesBack: Bool
    let onTakeBack = Mutex<(@Sendable () -> Void)?>(nil)

    init(givesBack: Bool = true) { self.givesBack = givesBack }

    func futureWasCancelled(ticket: UInt64) { journal.write("cancelled \(ticket)") }

    func takeBack(ticket: UInt64) -> () -> Bool {
        journal.write("take back \(ticket)")
        onTakeBack.withLock { $0 }?()
        return { [givesBack] in givesBack }
    }
}

@Suite struct FutureCallbackTests {
    enum Ending: CaseIterable { case result, error, cancelled, cancelledByOwner }

    private func end(_ future: Future<Int>, _ ending: Ending) {
        switch ending {
        case .result: future.fulfil(1)
        case .error: future.fail(CancelledError())
        case .cancelled: future.cancel()
        case .cancelledByOwner: future.cancelByOwner()
        }
    }

    @Test(
        "callbacks run once each, in order, with the future, whatever the ending", .proves(.C1, .C2),
        arguments: Ending.allCases)
    func order(ending: Ending) throws {
        let future = Future<Int>()
        let journal = Journal()
        let thread = pthread_self()
        for number in 0..<3 {
            future.addDoneCallback { done in
                #expect(done === future)
                #expect(done.isDone)
                #expect(pthread_equal(pthread_self(), thread) != 0)
                journal.write("\(number)")
            }
        }
        (future as AnyFuture).addDoneCallback { done in
            #expect(done === future)
            journal.write("untyped")
        }
        #expect(journal.all == [])
        end(future, ending)
        #expect(journal.all == ["0", "1", "2", "untyped"])
        end(future, .cancelled)
        end(future, .result)
        future.addDoneCallback { _ in journal.write("late") }
        #expect(journal.all == ["0", "1", "2", "untyped", "late"])
    }

    @Test("cancelling again does not run the callbacks again", .proves(.F3))
    func cancelledTwice() throws {
        let future = Future<Int>()
        let journal = Journal()
        future.addDoneCallback { _ in journal.write("called") }
        #expect(future.cancel())
        #expect(future.cancel())
        #expect(try !future.setRunningOrNotifyCancel())
        #expect(journal.all == ["called"])
    }

    @Test("waiters are woken before the callbacks run", .proves(.C2))
    func waitersFirst() throws {
        let future = Future<Int>()
        let woken = Gate()
        let threads = TestThreads()
        threads.start {
            #expect(throws: Never.self) { try future.result() }
            woken.open()
        }
        try spin { future.hasSleepers }
        future.addDoneCallback { _ in #expect(throws: Never.self) { try woken.wait() } }
        future.fulfil(1)
        threads.join()
    }

    @Test("from a callback the future can be cancelled, asked, and given callbacks", .proves(.C3))
    func reentrance() throws {
        let future = Future<Int>()
        let other = Future<Int>()
        let journal = Journal()
        future.addDoneCallback { done in
            #expect(!done.cancel())
            #expect((try? done.result()) == 1)
            done.addDoneCallback { _ in journal.write("inner") }
            other.cancel()
            journal.write("outer")
        }
        future.fulfil(1)
        #expect(journal.all == ["inner", "outer"])
        #expect(other.isCancelled)
    }

    @Test("A done future keeps neither its callbacks nor its owner")
    func releases() throws {
        weak var captured: Journal?
        weak var owner: Owner?
        let future: Future<Int>
        do {
            let journal = Journal()
            let owning = Owner()
            captured = journal
            owner = owning
            future = Future<Int>(owner: owning, ticket: 1, functionName: nil)
            future.addDoneCallback { _ in journal.write("called") }
        }
        #expect(captured != nil)
        #expect(owner != nil)
        future.fulfil(1)
        #expect(captured == nil)
        #expect(owner == nil)
        let late = Owner()
        owner = late
        future.attach(owner: late, ticket: 2)
        #expect(!future.cancel())
        #expect(late.journal.all == [])
    }

    // MARK: Owners

    @Test("the owner of a pending future hears of its cancellation, once", .proves(.F3))
    func ownerHears() {
        let owner = Owner()
        let future = Future<Int>(owner: nil, ticket: 0, functionName: nil)
        future.attach(owner: owner, ticket: 5)
        #expect(future.cancel())
        #expect(future.cancel())
        #expect(owner.journal.all == ["cancelled 5"])
        #expect(!future.markSent())
        #expect(future.phase == .cancelledAndNotified)
    }

    @Test(
        "a call sent ahead stays pending; cancel() asks for it back, and believes the answer", .proves(.F5),
        arguments: [true, false])
    func sentAhead(givesBack: Bool) {
        let owner = Owner(givesBack: givesBack)
        let future = Future<Int>(owner: owner, ticket: 9, functionName: nil)
        #expect(future.markSent())
        #expect(future.state == .pending)
        #expect(!future.isRunning)
        #expect(future.cancel() == givesBack)
        #expect(owner.journal.all == ["take back 9"])
        #expect(future.state == (givesBack ? .cancelled : .pending))
        #expect(future.fulfil(1) == !givesBack)
    }

    @Test("a call that finishes while it is asked back is not cancelled", .proves(.F5))
    func finishesMeanwhile() throws {
        let owner = Owner(givesBack: false)
        let future = Future<Int>(owner: owner, ticket: 9, functionName: nil)
        #expect(future.markSent())
        owner.onTakeBack.withLock { $0 = { future.fulfil(4) } }
        #expect(!future.cancel())
        #expect(try future.result(timeout: .zero) == 4)
        owner.onTakeBack.withLock { $0 = nil }
    }

    @Test("a call that was begun before its worker was lost, and is with the owner again, is cancelled", .proves(.F5))
    func begunMeanwhile() {
        let owner = Owner(givesBack: true)
        let future = Future<Int>(owner: owner, ticket: 9, functionName: nil)
        #expect(future.markSent())
        // The news of the beginning is late: the owner does not have the call any more.
        owner.onTakeBack.withLock { $0 = { future.markRunning() } }
        #expect(future.cancel())
        #expect(future.phase == .cancelledAndNotified)
        owner.onTakeBack.withLock { $0 = nil }
    }

    @Test("sent, running, taken back for another try", .proves(.F5))
    func marks() {
        let future = Future<Int>()
        #expect(future.markSent())
        future.markRunning()
        future.markRunning()
        #expect(future.isRunning)
        #expect(!future.cancel())
        #expect(!future.cancelByOwner())
        future.markUnsent()
        #expect(future.state == .pending)
        #expect(future.markStarted())
        #expect(future.isRunning)
        #expect(future.fail(CancelledError()))
        #expect(!future.fulfil(1))
        future.markRunning()
        future.markUnsent()
        #expect(!future.markSent())
        #expect(future.state == .finished)
    }

    @Test("the owner cancels what was sent ahead without asking itself", .proves(.H3))
    func cancelledByOwner() {
        let owner = Owner()
        let future = Future<Int>(owner: owner, ticket: 1, functionName: nil)
        #expect(future.markSent())
        #expect(future.cancelByOwner())
        #expect(!future.cancelByOwner())
        #expect(future.isCancelled)
        #expect(owner.journal.all == [])
    }
}
