import Synchronization

/// Who reads from a worker: one thread at a time, the driver's or one that waits for an answer of that worker.
/// docs/decisions/waiting-thread-reads.md says how they take turns.
struct ReadingRole: ~Copyable, Sendable {
    private static let taken: UInt32 = 1
    /// The driver's thread waits for it.
    private static let wanted: UInt32 = 2

    private let word = Atomic<UInt32>(0)
    /// The thread that has the role and sleeps until there is something to read.
    private let sleeper = Mutex<PipeWaiter?>(nil)

    /// Whether whoever has the role is to give it back.
    var isWanted: Bool { word.load(ordering: .sequentiallyConsistent) & Self.wanted != 0 }

    /// Whether nobody has it or waits for it, at this moment.
    var isFree: Bool { word.load(ordering: .relaxed) == 0 }

    /// - Returns: false if somebody has the role, or waits for it.
    func takeIfFree() -> Bool {
        word.compareExchange(expected: 0, desired: Self.taken, ordering: .sequentiallyConsistent).exchanged
    }

    /// Takes the role from a thread that waits for an answer: that takes as long as what it has read keeps it busy. The
    /// driver's thread only, and not when it has the role.
    func insist() {
        if takeIfFree() { return }
        word.bitwiseOr(Self.wanted, ordering: .sequentiallyConsistent)
        sleeper.withLock { $0 }?.wake()
        while true {
            let (isTaken, seen) = word.compareExchange(
                expected: Self.wanted, desired: Self.taken, ordering: .sequentiallyConsistent)
            if isTaken { return }
            word.sleep(while: seen, until: .never)
        }
    }

    /// Says that the thread that has the role will sleep, and how it is woken. It has to look at ``isWanted`` after this and
    /// before it sleeps.
    func willSleep(_ waiter: PipeWaiter?) { sleeper.withLock { $0 = waiter } }

    func giveBack() {
        let (old, _) = word.bitwiseAnd(~Self.taken, ordering: .sequentiallyConsistent)
        if old & Self.wanted != 0 { word.wakeAll() }
    }
}
