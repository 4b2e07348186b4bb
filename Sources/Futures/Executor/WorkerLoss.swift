/// How a worker process was lost, and what it was doing.
public struct WorkerLoss: Sendable, Hashable, CustomStringConvertible {
    /// The worker's process id.
    public let processID: Int32
    /// How the process ended; nil where the pool gave it up and killed it, because it no longer spoke the wire.
    public let status: TerminationStatus?
    /// Why it ended, as far as that can be known.
    public let cause: LossCause
    /// The function that it was running; nil if it had none, or only one without a name.
    public let functionName: String?
    /// The pool's number of the task that it was running.
    public let taskID: UInt64?
    /// The element that it was running, where the task is a chunk of a map: its index within the chunk, from 0.
    public let element: Int?
    /// Which execution of the task, or of the element, it was, from 1. Being sent to a worker that did not come to it is none.
    public let attempt: Int
    /// The end of what the worker wrote to its standard error; a Swift fatal error says there what it was.
    public let standardErrorTail: String

    package init(
        processID: Int32, status: TerminationStatus?, cause: LossCause = .unknown, functionName: String? = nil,
        taskID: UInt64? = nil,
        element: Int? = nil, attempt: Int = 1, standardErrorTail: String = ""
    ) {
        self.processID = processID
        self.status = status
        self.cause = cause
        self.functionName = functionName
        self.taskID = taskID
        self.element = element
        self.attempt = attempt
        self.standardErrorTail = standardErrorTail
    }

    /// Which process, how it ended, what it was running, and the end of its standard error; several lines.
    public var description: String {
        var text =
            "worker process \(processID) \(status.map(String.init(describing:)) ?? "was given up and killed by the pool")"
        if let taskID {
            let what = element.map { "element \($0) of a chunk of " } ?? ""
            text += " while it ran \(what)\(callText(functionName)) (task \(taskID), attempt \(attempt))"
        } else {
            text += " while it ran no task"
        }
        switch cause {
        case .outOfMemory, .processorTime: text += "\n\(cause)"
        case .crash, .exit, .signal, .unknown: break
        }
        let lines = standardErrorTail.split(whereSeparator: \.isNewline)
        if !lines.isEmpty {
            text += "\nthe end of its standard error:" + lines.map { "\n  \($0)" }.joined()
        }
        return text
    }
}

/// A call was lost with the worker process that ran it, and the pool goes on: it was not to be run again, or not once more.
///
/// See ``WorkerLossPolicy``.
public struct WorkerLostError: Error, Sendable, CustomStringConvertible {
    /// Every loss of a worker that the call was guilty of, in order; at least one.
    public let losses: [WorkerLoss]

    /// The last of ``losses``.
    public var loss: WorkerLoss { losses[losses.count - 1] }

    package init(losses: [WorkerLoss]) {
        precondition(!losses.isEmpty)
        self.losses = losses
    }

    /// Which call it was, and each loss: which process, how it ended, and the end of its standard error; several lines.
    public var description: String {
        guard losses.count > 1 else { return "\(callText(loss.functionName)) was lost with its worker: \(loss)" }
        let each = losses.map { "\n\($0)" }.joined()
        return "\(callText(loss.functionName)) was set aside after \(losses.count) lost workers:\(each)"
    }
}
