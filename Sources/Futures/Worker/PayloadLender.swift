import Synchronization
import Wire

/// Lends the payload of an answer to the pool, which takes it from this process's memory; one at a time. Any thread.
///
/// See docs/decisions/detached-payloads.md.
///
/// `@unchecked Sendable`: the number in `cell` does not change.
final class PayloadLender: @unchecked Sendable {
    private struct Loan {
        /// The pool has said that it takes payloads so, and has taken the last one.
        var isWelcome = false
        var payload: [UInt8]?
    }

    private let loan = Mutex(Loan())
    /// What the pool shall find in this process's memory: that it can look there.
    private let cell = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

    /// A smaller payload goes through the pipe, which is faster then.
    static let smallest = 384 * 1024

    init() { cell.initialize(to: .random(in: 0 ... .max)) }

    deinit { cell.deallocate() }

    var probe: MemoryProbe { MemoryProbe(address: UInt64(UInt(bitPattern: cell)), number: cell.pointee) }

    /// Keeps the payload, which is not one of the smaller ones, until it is taken.
    ///
    /// - Returns: false if it has to go through the pipe.
    func lend(_ payload: [UInt8]) -> Bool {
        loan.withLock { loan in
            guard loan.isWelcome else { return false }
            loan.payload = payload
            loan.isWelcome = false
            return true
        }
    }

    /// The pool is ready for a payload: it has taken the one before.
    func taken() {
        // Freed with no lock held.
        let payload = loan.withLock { loan in
            loan.isWelcome = true
            let payload = loan.payload
            loan.payload = nil
            return payload
        }
        withExtendedLifetime(payload) {}
    }

    var isLent: Bool { loan.withLock { $0.payload != nil } }
}
