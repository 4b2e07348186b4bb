/// An executor can run nothing more. A kind of error: ``BrokenThreadPool`` and ``BrokenProcessPool`` are of it.
public protocol BrokenExecutor: Error, CustomStringConvertible {
    /// Why, in a sentence.
    var reason: String { get }
    /// The error behind it, such as what an initializer threw.
    var cause: (any Error)? { get }
}

/// A thread pool's initializer failed: nothing that was pending has run, and nothing more will.
public struct BrokenThreadPool: BrokenExecutor, Sendable {
    /// Why, in a sentence.
    public let reason: String
    /// What the initializer threw.
    public let cause: (any Error)?

    package init(reason: String, cause: (any Error)? = nil) {
        self.reason = reason
        self.cause = cause
    }

    /// Why the pool is broken, the error behind it, and what to do.
    public var description: String { "the thread pool is broken: \(brokenText(reason, cause)); make a new one" }
}

/// A process pool can run nothing more: a worker was lost, or none could be set up.
public struct BrokenProcessPool: BrokenExecutor, Sendable {
    /// Why, in a sentence.
    public let reason: String
    /// The error behind it, such as what a worker's initializer threw.
    public let cause: (any Error)?
    /// The worker whose end broke the pool, if one did.
    public let loss: WorkerLoss?

    package init(reason: String, cause: (any Error)? = nil, loss: WorkerLoss? = nil) {
        self.reason = reason
        self.cause = cause
        self.loss = loss
    }

    /// Why the pool is broken, the error behind it, how the worker was lost, and what to do.
    public var description: String {
        let text = "the process pool is broken: \(brokenText(reason, cause)); make a new one"
        return loss.map { "\(text)\n\($0)" } ?? text
    }
}

private func brokenText(_ reason: String, _ cause: (any Error)?) -> String {
    cause.map { "\(reason): \($0)" } ?? reason
}

/// How a worker process was lost, and what it was doing.
public struct WorkerLoss: Sendable, Hashable, CustomStringConvertible {
    /// The worker's process id.
    public let processID: Int32
    /// How the process ended; nil where the pool gave it up and killed it, because it no longer spoke the wire.
    public let status: TerminationStatus?
    /// The function that it was running; nil if it had none, or only one without a name.
    public let functionName: String?
    /// The pool's number of the task that it was running.
    public let taskID: UInt64?
    /// How many times the task had been given to a worker, this time included. More than 1 if it had been taken back from a
    /// worker's queue before.
    public let attempt: Int
    /// The end of what the worker wrote to its standard error; a Swift fatal error says there what it was.
    public let standardErrorTail: String

    package init(
        processID: Int32, status: TerminationStatus?, functionName: String? = nil, taskID: UInt64? = nil,
        attempt: Int = 1,
        standardErrorTail: String = ""
    ) {
        self.processID = processID
        self.status = status
        self.functionName = functionName
        self.taskID = taskID
        self.attempt = attempt
        self.standardErrorTail = standardErrorTail
    }

    /// Which process, how it ended, what it was running, and the end of its standard error; several lines.
    public var description: String {
        var text =
            "worker process \(processID) \(status.map(String.init(describing:)) ?? "was given up and killed by the pool")"
        if let taskID {
            text += " while it ran \(callText(functionName)) (task \(taskID), attempt \(attempt))"
        } else {
            text += " while it ran no task"
        }
        if status == .signaled(signal: 9, dumpedCore: false) {
            text += "\nSIGKILL often means that the machine or its memory limit ran out of memory"
        }
        let lines = standardErrorTail.split(whereSeparator: \.isNewline)
        if !lines.isEmpty {
            text += "\nthe end of its standard error:" + lines.map { "\n  \($0)" }.joined()
        }
        return text
    }
}
