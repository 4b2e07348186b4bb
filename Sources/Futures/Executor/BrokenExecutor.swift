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
