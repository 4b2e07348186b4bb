/// Where a future stands, as its users see it.
public enum FutureState: String, Sendable, Hashable, CustomStringConvertible {
    /// No worker has begun the call, or it is to be run again; it can be cancelled.
    case pending
    /// A worker has begun the call.
    case running
    /// It was cancelled: before it began, or by being ended while it ran.
    case cancelled
    /// It has a value or an error.
    case finished

    /// The state's name.
    public var description: String { rawValue }
}

/// A future's state and outcome, taken together at one moment.
public enum FutureSnapshot<Value: Sendable>: Sendable {
    /// No worker has begun the call, or it is to be run again.
    case pending
    /// A worker has begun the call.
    case running
    /// It was cancelled: before it began, or by being ended while it ran.
    case cancelled
    /// It returned a value or threw an error.
    case finished(Result<Value, any Error>)
}

/// The states of a future with what its owner needs to know beyond ``FutureState``.
///
/// pending → running, cancelled, cancelledAndNotified, returned, failed; running → returned, failed, pending (to be run
/// again), cancelledAndNotified (it was ended for that); cancelled → cancelledAndNotified. Nothing leaves the last three.
enum FuturePhase: UInt32 {
    case pending = 0
    case running = 1
    /// Cancelled, and the owner has not come across it.
    case cancelled = 2
    /// Cancelled, and the owner knows.
    case cancelledAndNotified = 3
    /// Finished with a value.
    case returned = 4
    /// Finished with an error.
    case failed = 5

    var isDone: Bool { rawValue >= FuturePhase.cancelled.rawValue }

    var state: FutureState {
        switch self {
        case .pending: .pending
        case .running: .running
        case .cancelled, .cancelledAndNotified: .cancelled
        case .returned, .failed: .finished
        }
    }
}

/// A future's atomic word: its phase, and two flags beside it.
struct FutureWord {
    /// The owner sent the pending task ahead to a worker.
    static let sent: UInt32 = 8
    /// A thread sleeps on the word, or did: completing must wake it.
    static let hasSleepers: UInt32 = 16

    var bits: UInt32

    var phase: FuturePhase { FuturePhase(rawValue: bits & 7)! }
    var isSent: Bool { bits & Self.sent != 0 }
    var hasSleepers: Bool { bits & Self.hasSleepers != 0 }
}
