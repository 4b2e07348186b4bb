import Glibc
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

@Suite struct ReadingRoleTests {
    /// A role, and what is done with it, for several threads.
    private final class Shared: Sendable {
        let role = ReadingRole()
        let holders = Atomic<Int>(0)
        let collisions = Atomic<Int>(0)
        let turns = Atomic<Int>(0)

        var isWanted: Bool { role.isWanted }
        func take() -> Bool { role.takeIfFree() }

        /// To be called in the role.
        func use() {
            if holders.add(1, ordering: .relaxed).newValue != 1 { collisions.add(1, ordering: .relaxed) }
            turns.add(1, ordering: .relaxed)
            holders.subtract(1, ordering: .relaxed)
        }
    }

    @Test("one has it at a time, and it can be had again")
    func isTakenOnce() {
        let shared = Shared()
        #expect(shared.take())
        #expect(!shared.take())
        #expect(!shared.isWanted)
        shared.role.giveBack()
        shared.role.insist()
        #expect(!shared.take())
        shared.role.giveBack()
        #expect(shared.take())
    }

    @Test("who insists wakes the one that sleeps in it, and is next: while it is wanted nobody else gets it")
    func isInsistedOn() throws {
        let shared = Shared()
        let waiter = try PipeWaiter()
        let pipe = try FileDescriptor.pipe()
        #expect(shared.take())
        shared.role.willSleep(waiter)
        let insisting = Gate()
        let threads = TestThreads()
        threads.start {
            insisting.open()
            shared.role.insist()
            shared.use()
            shared.role.giveBack()
        }
        try insisting.wait()
        // Ends since it is woken: nothing comes through the pipe.
        let deadline = Deadline(after: longTime)
        while !shared.isWanted, !deadline.hasPassed {
            let isReadable = waiter.sleep(untilReadable: pipe.read, deadline)
            #expect(!isReadable)
        }
        #expect(!deadline.hasPassed)
        #expect(shared.turns.load(ordering: .relaxed) == 0)
        shared.role.giveBack()
        try spin { shared.turns.load(ordering: .relaxed) == 1 && shared.role.takeIfFree() }
        #expect(!shared.isWanted)
        threads.join()
    }

    @Test("threads that take it, and one that insists, never have it together; nobody is forgotten")
    func isSharedByThreads() throws {
        let shared = Shared()
        let pipe = try FileDescriptor.pipe()
        let threads = TestThreads()
        let isOver = Atomic<Bool>(false)
        for _ in 0..<3 {
            let waiter = try PipeWaiter()
            threads.start { [readEnd = pipe.read.rawValue] in
                let pipe = FileDescriptor(owning: dup(readEnd))
                while !isOver.load(ordering: .relaxed) {
                    guard shared.role.takeIfFree() else { continue }
                    shared.role.willSleep(waiter)
                    shared.use()
                    while !shared.role.isWanted, !isOver.load(ordering: .relaxed) {
                        _ = waiter.sleep(untilReadable: pipe, Deadline(after: .milliseconds(1)))
                    }
                    shared.role.willSleep(nil)
                    shared.role.giveBack()
                }
            }
        }
        for _ in 0..<2_000 {
            shared.role.insist()
            shared.use()
            shared.role.giveBack()
        }
        isOver.store(true, ordering: .relaxed)
        threads.join()
        #expect(shared.collisions.load(ordering: .relaxed) == 0)
        #expect(shared.turns.load(ordering: .relaxed) >= 2_000)
    }
}
