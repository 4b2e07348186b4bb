/// Somebody who is told what a process pool's workers did: see ``ProcessPoolOptions/observer``.
///
/// Called by the threads that read answers and carry out what the scheduler decides, also at the same time; for each worker mostly in
/// the order in which things happened there. What it does holds those threads up.
package protocol PoolObserver: Sendable {
    /// A worker has answered a call, or was lost in it.
    func callEnded(_ call: ObservedCall)
    /// A worker is gone: told to, or lost; nothing more comes of it.
    func workerEnded(_ worker: ObservedWorker, at time: Int64)
}

package struct ObservedWorker: Sendable, Hashable {
    /// Counts the workers of a pool from 1, in the order of their starts.
    package let number: UInt64
    package let processID: Int32

    package init(number: UInt64, processID: Int32) {
        self.number = number
        self.processID = processID
    }
}

/// A call, or a chunk of a map, and what a worker did with it.
package struct ObservedCall: Sendable {
    package enum Outcome: Sendable, Equatable {
        case answered
        /// It failed, and will be run again.
        case failedForNow
        /// The worker was lost in it, or ended since it took too long; in words.
        case lost(String)
    }

    package let worker: ObservedWorker
    package let functionName: String
    /// How many elements it has; 1 for a single call.
    package let elements: Int
    /// How many of them failed, as far as is known.
    package let failures: Int
    /// When it began and ended, in nanoseconds of the monotonic clock. How long it took is the worker's word.
    package let began: Int64
    package let ended: Int64
    package let outcome: Outcome

    package init(
        worker: ObservedWorker, functionName: String, elements: Int, failures: Int, began: Int64, ended: Int64,
        outcome: Outcome
    ) {
        self.worker = worker
        self.functionName = functionName
        self.elements = elements
        self.failures = failures
        self.began = began
        self.ended = ended
        self.outcome = outcome
    }
}

extension PipeLink {
    var observed: ObservedWorker { ObservedWorker(number: id.rawValue, processID: pid) }
}

// Only where there is an observer.
extension PoolDriver {
    func tell(
        _ observer: any PoolObserver, of job: PoolJob, on link: PipeLink, failures: Int, runTime: Int64, ended: Int64,
        outcome: ObservedCall.Outcome = .answered
    ) {
        let began = ended - min(max(runTime, 0), max(ended, 0))
        observer.callEnded(
            ObservedCall(
                worker: link.observed, functionName: job.function.name, elements: job.elementCount ?? 1,
                failures: failures, began: began, ended: ended, outcome: outcome))
    }

    /// A worker was lost, perhaps in a call.
    func tell(_ observer: any PoolObserver, of loss: WorkerLoss, on link: PipeLink, at now: Int64) {
        guard let task = loss.taskID, let name = loss.functionName else { return }
        var began = now
        if case .last(let note) = link.journal.read(), note.task == task { began = min(max(note.since, 0), now) }
        observer.callEnded(
            ObservedCall(
                worker: link.observed, functionName: name, elements: 0, failures: 0, began: began, ended: now,
                outcome: .lost("\(loss.cause)")))
    }

    /// How many elements of an answer failed.
    func failures(_ answer: PoolJob.Answer, of job: PoolJob) -> Int {
        switch answer {
        case .result: 0
        case .failure: job.elementCount ?? 1
        // Those of earlier parts are in the job; where errors are retried those of the last one, too.
        case .chunkResult(let message, _):
            (retries?.errors ?? 0 > 0 ? 0 : message.failures.count)
                + ((job as? ElementsJob)?.progress(at: nil).failed ?? 0)
        }
    }
}
