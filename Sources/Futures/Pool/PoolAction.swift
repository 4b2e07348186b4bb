/// Names a task for as long as the pool holds it: a slot and the slot's generation, so that a late message about an
/// earlier task in the same slot is recognised as such.
package struct TaskID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    init(slot: Int, generation: UInt32) { rawValue = UInt64(generation) << 32 | UInt64(slot) }
    var slot: Int { Int(rawValue & 0xffff_ffff) }
    var generation: UInt32 { UInt32(rawValue >> 32) }
    package var description: String { "\(rawValue)" }
}

/// Names a worker; counts from 1 in the order of their starts and is never used twice in a pool.
package struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package var description: String { "\(rawValue)" }
}

/// What the scheduler asks its driver to do, in this order.
package enum PoolAction<Job: Sendable>: Sendable {
    /// Start a process for this worker; answer with `workerReady` or `workerFailedToStart`.
    case spawn(WorkerID)
    /// Hand the task to the worker. If its future was cancelled meanwhile, answer with `taskWasNotSent` instead.
    case send(TaskID, Job, WorkerID, attempt: UInt32)
    /// The worker has reached the task: its future is running.
    case began(Job)
    /// Ask the worker for a task back that it has not begun; answer with `takeBackAnswered`.
    case takeBack(TaskID, WorkerID, attempt: UInt32)
    /// Find out what the worker is at; answer with `progressMeasured`.
    case measureProgress(WorkerID)
    /// Look how much memory the worker has; answer with `memoryMeasured`, or `workerLost` if it is too much,
    /// or `workerFailedToStart` if it is that while it comes up.
    case measureMemory(WorkerID)
    /// Tell the worker that what it runs is not wanted any more, if that is still this.
    case interrupt(TaskID, WorkerID, attempt: UInt32, element: Int?)
    /// The task, or an element of its chunk, has used up its time; so the worker is ended.
    case expired(Job, element: Int?, WorkerID, execution: Int)
    /// The worker will not answer that any more; this is the answer for whoever waits for it.
    case takeBackOver(TaskID, isCancelled: Bool)
    /// The task waits on our side again: no worker has it.
    case requeued(Job)
    /// The task, or this element of its chunk, or those that its last answer left, failed and will be run again after a pause.
    case retried(Job, element: Int?)
    /// Complete the future with the error.
    case fail(Job, any Error)
    /// The element of a chunk is given up: it has this error. The chunk goes on, if others are left.
    case failElement(Job, Int, any Error)
    /// Cancel the future.
    case cancel(Job)
    /// Tell the worker to finish and exit.
    case drain(WorkerID)
    /// Send the worker's process group a signal.
    case kill(WorkerID, signal: Int32)
    /// The worker's handshake and initializer took too long; answer with `workerFailedToStart`.
    case startTimedOut(WorkerID)
    /// The worker's process is gone and nothing of it is needed any more.
    case release(WorkerID)
    /// Tasks that were refused for want of room may be submitted again.
    case roomAppeared
    /// `nextDeadline` may be earlier than it was.
    case deadlineChanged
    /// All work is done and all workers are gone after a shutdown: the driver can end.
    case finished
}

/// Why the scheduler takes no work.
package enum PoolRefusal: Error {
    case shutDown
    case broken(any Error)
    /// No more may wait; so much does.
    case full(tasks: Int, bytes: Int)
}
