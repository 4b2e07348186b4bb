/// The call was cancelled before a worker began it, or was ended by ``AnyFuture/cancel(running:)``.
///
/// Thrown by ``Future/result(timeout:)``, ``Future/value`` and ``AnyFuture/exception(timeout:)`` of a cancelled future.
public struct CancelledError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The function that was to be called, if it has a name.
    public let functionName: String?

    /// An error for a call of `functionName`.
    public init(functionName: String? = nil) { self.functionName = functionName }

    /// That the call was cancelled, and its function.
    public var description: String { "\(callText(functionName)) was cancelled" }
}

/// Time ran out while waiting for futures. The futures themselves are left alone.
///
/// A task can throw this error too, because it waited for a future of its own. The two are told apart by ``source``:
/// a future that is completed with a `TimeoutError` stores it as ``Source/task``, so whatever comes out of
/// ``Future/result(timeout:)`` with ``Source/wait`` is about that very wait.
public struct TimeoutError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Who ran out of time.
    public enum Source: Sendable, Hashable {
        /// The wait that threw the error: its future may still finish.
        case wait
        /// The task: it threw the error, and its future has failed with it.
        case task
    }

    /// Who ran out of time.
    public internal(set) var source: Source
    /// How long the wait was allowed to take.
    public let timeout: Duration
    /// How many of the futures waited for were unfinished.
    public let unfinished: Int
    /// How many futures were waited for.
    public let total: Int
    /// The function that was waited for, where that was a single one with a name.
    public let functionName: String?

    package init(timeout: Duration, unfinished: Int, total: Int, functionName: String? = nil) {
        source = .wait
        self.timeout = timeout
        self.unfinished = unfinished
        self.total = total
        self.functionName = functionName
    }

    /// What was unfinished, after which time, and whether the wait or the task gave up.
    public var description: String {
        let what = total == 1 ? "\(callText(functionName)) was" : "\(unfinished) of \(total) futures were"
        switch source {
        case .wait: return "\(what) unfinished after \(timeout)"
        case .task: return "the task gave up waiting: \(what) unfinished after \(timeout)"
        }
    }
}

/// A future was told to do what its state does not allow. It stays as it was.
public struct InvalidStateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was asked for, such as `setResult`.
    public let operation: String
    /// The state that does not allow it.
    public let state: FutureState
    /// The function that the future stands for, if it has a name.
    public let functionName: String?
    private let isNotified: Bool

    init(operation: String, phase: FuturePhase, functionName: String?) {
        self.operation = operation
        state = phase.state
        isNotified = phase == .cancelledAndNotified
        self.functionName = functionName
    }

    /// What is not possible, the future's state and its function.
    public var description: String {
        let of = functionName.map { " of \"\($0)\"" } ?? ""
        let how = isNotified ? "\(state) (and was notified of it)" : "\(state)"
        return "\(operation) is not possible: the future\(of) is \(how); its first outcome stays"
    }
}

/// Work was submitted to an executor after its shutdown began.
public struct ExecutorShutdownError: Error, Sendable, Hashable, CustomStringConvertible {
    /// An error for any executor.
    public init() {}

    /// That the executor was shut down, and what to do.
    public var description: String {
        "the executor has been shut down and takes no more work; submit before shutdown, or make a new executor"
    }
}

/// An argument is outside its range.
public struct InvalidArgumentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The argument's name.
    public let argument: String
    /// What is wrong with it.
    public let problem: String

    package init(argument: String, problem: String) {
        self.argument = argument
        self.problem = problem
    }

    /// Refuses a number below `least`.
    static func check(_ argument: String, _ value: Int, atLeast least: Int = 1) throws(InvalidArgumentError) {
        guard value >= least else {
            throw InvalidArgumentError(argument: argument, problem: "must be at least \(least), not \(value)")
        }
    }

    /// The argument's name and what is wrong with it.
    public var description: String { "\(argument) \(problem)" }
}

/// How the errors speak of a call.
func callText(_ functionName: String?) -> String {
    functionName.map { "the call of \"\($0)\"" } ?? "the call"
}
