internal import CProto
import Synchronization

extension Atomic where Value == UInt32 {
    /// Sleeps while the word holds `expected`; returns after a wake, at the deadline, or early for no reason.
    ///
    /// An `Atomic` lives where it is stored and is never moved, so its address identifies it to the kernel.
    borrowing func sleep(while expected: UInt32, until deadline: Deadline) {
        let limit = deadline.remainingNanoseconds ?? -1
        withUnsafePointer(to: self) { futures_futex_wait($0, expected, limit) }
    }

    /// Wakes every sleeper of the word: one system call, so call it only when somebody sleeps.
    borrowing func wakeAll() {
        withUnsafePointer(to: self) { futures_futex_wake($0, .max) }
    }
}
