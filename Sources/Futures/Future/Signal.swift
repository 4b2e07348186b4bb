import Synchronization

/// Wakes the threads and tasks that wait for something to change, and loses no wake-up.
///
/// A waiter reads `count`, looks at what it waits for, and sleeps only while `count` is still the same; so a change that
/// is followed by ``raise()`` is either seen or ends the sleep. Raising with nobody asleep makes no system call.
final class Signal: Sendable {
    /// Bit 0: a thread sleeps. The rest counts the raises.
    private let word = Atomic<UInt32>(0)
    private let tasks = Mutex<[SleepingTask]>([])

    /// A number that changes with each raise.
    var count: UInt32 { word.load(ordering: .acquiring) & ~1 }

    /// Wakes everybody. To be called after the change, with no lock held.
    func raise() {
        var old = word.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = word.weakCompareExchange(
                expected: old, desired: (old & ~1) &+ 2, successOrdering: .acquiringAndReleasing,
                failureOrdering: .relaxed)
            if exchanged { break }
            old = original
        }
        if old & 1 != 0 { word.wakeAll() }
        let sleeping = tasks.withLock { tasks -> [SleepingTask] in
            // A task that comes too late for this finds the new count: it looks after this lock was released.
            if tasks.isEmpty { return [] }
            defer { tasks = [] }
            return tasks
        }
        for task in sleeping { task.wake() }
    }

    /// Blocks the thread until a raise after `seen`, the deadline, or for no reason.
    func sleep(since seen: UInt32, until deadline: Deadline) {
        let expected = seen | 1
        let (exchanged, original) = word.compareExchange(expected: seen, desired: expected, ordering: .acquiring)
        guard exchanged || original == expected else { return }
        word.sleep(while: expected, until: deadline)
    }

    /// Suspends the task until a raise after `seen`, the deadline, or the task's cancellation.
    nonisolated(nonsending) func sleep(since seen: UInt32, until deadline: Deadline) async {
        guard count == seen else { return }
        let task = SleepingTask()
        tasks.withLock { $0.append(task) }
        if count == seen {
            await task.sleep(until: deadline)
            // A raise takes everybody off the list, and finding oneself there takes as long as there are others.
            if count != seen { return }
        }
        tasks.withLock { tasks in tasks.removeAll { $0 === task } }
    }
}
