/// A ``PoolState`` whose jobs are numbers, compiled for them.
///
/// The simulator is in a module of its own. There the generic type would find out about its types at run time, again and again,
/// and be several times slower.
package struct NumberedPoolState {
    package typealias State = PoolState<Int>
    package typealias Actions = [PoolAction<Int>]

    private var state: State

    package init(_ configuration: State.Configuration) { state = State(configuration) }

    // MARK: What it says

    package var nextDeadline: Int64? { state.nextDeadline }
    package var books: State.Books { state.books }
    package func audit() -> String? { state.audit() }
    /// Element by element, as an empty deque as a whole would do what ``MapBuffer/tally()`` tells of.
    package func held(by id: WorkerID) -> [TaskID] { state.held(by: id).map { $0 } }
    package func isStarting(_ id: WorkerID) -> Bool { state.isStarting(id) }
    package func expectsExit(of id: WorkerID) -> Bool { state.expectsExit(of: id) }

    package func job(of id: TaskID, heldBy worker: WorkerID, attempt: UInt32) -> Int? {
        state.job(of: id, heldBy: worker, attempt: attempt)
    }

    package func task(of id: WorkerID, _ running: LossReport.Running) -> (id: TaskID, job: Int, execution: Int)? {
        state.task(of: id, running)
    }

    // MARK: Events of tasks

    package mutating func submitted(
        _ job: Int, priority: Int = 0, size: Int = 0, limits: TaskLimits? = nil, isPromised: Bool = false, now: Int64,
        _ actions: inout Actions
    ) throws(PoolRefusal) -> TaskID {
        try state.submitted(
            job, priority: priority, size: size, limits: limits, isPromised: isPromised, now: now, &actions)
    }

    package mutating func promised() throws(PoolRefusal) { try state.promised() }

    package mutating func promiseEnded(now: Int64, _ actions: inout Actions) {
        state.promiseEnded(now: now, &actions)
    }

    package mutating func cancelled(_ id: TaskID, now: Int64, _ actions: inout Actions) {
        state.cancelled(id, now: now, &actions)
    }

    package mutating func cancelRequested(
        _ id: TaskID, waits: Bool, now: Int64, _ actions: inout Actions
    ) -> State.TakeBack {
        state.cancelRequested(id, waits: waits, now: now, &actions)
    }

    package mutating func cancelRequestWithdrawn(_ id: TaskID) { state.cancelRequestWithdrawn(id) }

    package mutating func stopRequested(
        _ id: TaskID, kills: Bool, now: Int64, _ actions: inout Actions
    ) -> State.StopOutcome {
        state.stopRequested(id, kills: kills, now: now, &actions)
    }

    package mutating func takeBackAnswered(
        _ id: TaskID, attempt: UInt32, by worker: WorkerID, takenBack: Bool, now: Int64, _ actions: inout Actions
    ) -> Bool? {
        state.takeBackAnswered(id, attempt: attempt, by: worker, takenBack: takenBack, now: now, &actions)
    }

    package mutating func taskWasNotSent(_ id: TaskID, to worker: WorkerID, now: Int64, _ actions: inout Actions) {
        state.taskWasNotSent(id, to: worker, now: now, &actions)
    }

    package mutating func answered(
        _ id: TaskID, attempt: UInt32, by worker: WorkerID, runTime: Int64, now: Int64, _ actions: inout Actions
    ) -> (job: Int, isInterruptRequested: Bool)? {
        state.answered(id, attempt: attempt, by: worker, runTime: runTime, now: now, &actions)
    }

    package mutating func failedRetryably(
        _ id: TaskID, attempt: UInt32, by worker: WorkerID, runTime: Int64, elementFailures: Int?, now: Int64,
        _ actions: inout Actions
    ) -> State.RetryDecision {
        state.failedRetryably(
            id, attempt: attempt, by: worker, runTime: runTime, elementFailures: elementFailures, now: now, &actions)
    }

    // MARK: Events of workers, and the others

    package mutating func workerReady(_ id: WorkerID, now: Int64, _ actions: inout Actions) {
        state.workerReady(id, now: now, &actions)
    }

    package mutating func workerFailedToStart(
        _ id: WorkerID, _ error: any Error, isFatal: Bool = false, isHopeless: Bool = false, hasProcess: Bool,
        now: Int64, _ actions: inout Actions
    ) {
        state.workerFailedToStart(
            id, error, isFatal: isFatal, isHopeless: isHopeless, hasProcess: hasProcess, now: now, &actions)
    }

    package mutating func workerLost(
        _ id: WorkerID, _ report: LossReport, now: Int64, _ actions: inout Actions
    ) {
        state.workerLost(id, report, now: now, &actions)
    }

    package mutating func workerExited(_ id: WorkerID, now: Int64, _ actions: inout Actions) {
        state.workerExited(id, now: now, &actions)
    }

    package mutating func progressMeasured(
        _ id: WorkerID, _ progress: TaskProgress?, headHasElements: Bool, now: Int64, _ actions: inout Actions
    ) {
        state.progressMeasured(id, progress, headHasElements: headHasElements, now: now, &actions)
    }

    package mutating func memoryMeasured(_ id: WorkerID, _ memory: Int, now: Int64, _ actions: inout Actions) {
        state.memoryMeasured(id, memory, now: now, &actions)
    }

    package mutating func timePassed(now: Int64, _ actions: inout Actions) { state.timePassed(now: now, &actions) }

    package mutating func shutDown(cancelFutures: Bool, now: Int64, _ actions: inout Actions) {
        state.shutDown(cancelFutures: cancelFutures, now: now, &actions)
    }

    package mutating func terminated(_ error: any Error, signal: Int32, now: Int64, _ actions: inout Actions) {
        state.terminated(error, signal: signal, now: now, &actions)
    }
}
