internal import CProto
import Glibc
import Synchronization
import Wire

/// Runs a ``PoolState``: feeds it events and carries out what it asks for.
///
/// Any thread may raise an event (``raise(_:)``): one event under the lock, whose actions are queued there. Carrying
/// them out is the *settling role*, which one thread at a time has (``settle()``): it writes to the workers in the order
/// in which the scheduler decided. A submitting thread thus writes to an idle worker itself. Reading from a worker is a role, too
/// (``ReadingRole``): a thread that waits for an answer takes it, otherwise the driver's own thread has it. Everything that makes or
/// ends a process is done by that thread, so that a signal cannot reach a process that was reaped meanwhile. It sleeps in
/// epoll_wait while nothing happens.
///
/// Futures are ended with no lock held: by who reads their answers, or by the one with the settling role for what fails.
/// Who waits for them is told later (``Notifications``), with what else has ended meanwhile. The users' callbacks run in a thread of
/// their own, so that a slow one holds up neither the pool nor a thread that happens to use it.
///
/// `@unchecked Sendable`: `loop` and `turn` belong to the driver's thread, everything else is immutable, locked or atomic.
final class PoolDriver: @unchecked Sendable {
    /// What is guarded by the lock.
    struct Core {
        var state: PoolState<PoolJob>
        /// Decided, and not yet carried out.
        var actions: [PoolAction<PoolJob>] = []
        var writes: [DriverWrite] = []
        /// For the driver's thread.
        var commands: [DriverCommand] = []
        /// A thread has the settling role: it sees what is added.
        var isSettling = false
        /// There is something to do that nobody is at.
        var isToBeSettled: Bool { !isSettling && !(actions.isEmpty && writes.isEmpty) }
        var takeBacks: [TaskID: TakeBackWaiter] = [:]
        /// The threads that tell what has ended, after they gave back the settling role: until then the pool must not end, and with
        /// it the thread for callbacks.
        var tellers: [UInt] = []
        /// The last of them ends the pool.
        var isFinishDue = false

        /// Gives the settling role back.
        ///
        /// - Parameter isTeller: whether the thread has something to tell, which it does from now on.
        mutating func endSettling(isTeller: Bool) {
            isSettling = false
            if isTeller { tellers.append(futures_thread_self()) }
        }
    }

    /// A write that no action of the scheduler stands for.
    enum DriverWrite {
        /// The pipe takes more now.
        case flush(WorkerID)
        /// The handshake is over.
        case initialize(WorkerID)
        /// The worker asked whether this side is there.
        case pong(WorkerID, Ping)
        /// The worker was to be drained before it had been started.
        case drain(WorkerID)
        /// The worker's memory can be reached: large payloads go there directly.
        case beginDetaching(WorkerID)
        /// There is room for the detached payload that is to be sent.
        case room(WorkerID, address: UInt64)
        /// The detached payload is in the worker's memory.
        case payloadPut(WorkerID)
        /// The detached payload of an answer is in ours.
        case payloadTaken(WorkerID)
    }

    /// What only the driver's thread does.
    enum DriverCommand {
        case spawn(WorkerID)
        case kill(WorkerID, signal: Int32)
        case startTimedOut(WorkerID)
        case drain(WorkerID)
        case watchClosedWire(WorkerID)
        case measureProgress(WorkerID)
        case measureMemory(WorkerID)
        /// An answer's payload is to be copied from the worker's memory.
        case takeDetached(WorkerID)
        /// Another thread has read what makes no sense.
        case brokeTheRules(WorkerID)
        case put(WorkerID, [UInt8], address: UInt64)
        case release(WorkerID)
        case finish
    }

    /// A call that each worker runs before its first task.
    struct Initializer: Sendable {
        let function: PoolFunction
        let payload: Payload
        let errors: [ErrorCodec]
        /// What its arguments point at.
        let shared: [SharedSegment]
        /// The number that its task has on the wire; no other task can have it.
        static let taskID = UInt64.max
    }

    let command: WorkerCommand
    let initializer: Initializer?
    let compressions: CompressionMeter
    let workerLimits: WorkerLimits
    let crashBacktrace: CrashBacktrace
    let startMethod: WorkerStartMethod
    let outOfMemoryWitness = OutOfMemoryWitness.current
    /// Of calls that have none of their own.
    let taskLimits: JobLimits
    let retries: RetryPolicy?
    /// Whether a chunk's finished elements are told by and by, since the pool may go on without the worker.
    let keepsElements: Bool
    let startTimeout: Int64
    let backlogLimit: BacklogLimit
    let detachedPayloadSize: Int?
    let observer: (any PoolObserver)?
    /// In nanoseconds; 0 for none.
    let spinTime: Int64
    /// When somebody first waited for a call: it takes a while to find out, and is no more than a hint here.
    static let usableProcessors = usableProcessorCount()
    let core: Mutex<Core>
    /// Added and removed by the driver's thread, read by whoever settles.
    let links = Mutex<[WorkerID: PipeLink]>([:])
    let epoll: FileDescriptor
    let wakeup: FileDescriptor
    let thread = DriverThread(name: "futures-pool")
    let callbackThread = CallbackThread()
    /// Done when all work is done and all workers are gone.
    let termination = Future<Void>()
    /// Raised when there may be room in the backlog again.
    let room = Signal()
    /// The driver thread's own.
    var loop = PoolLoop()
    let turn = ReadingTurn()
    /// Threads that read in place of the driver's.
    let waiters = Mutex(Waiters())

    init(
        _ configuration: PoolState<PoolJob>.Configuration, command: WorkerCommand, initializer: Initializer?,
        options: ProcessPoolOptions
    ) throws {
        self.command = command
        self.initializer = initializer
        compressions = CompressionMeter(options.compression)
        workerLimits = options.workerLimits
        crashBacktrace = options.crashBacktrace
        startMethod = options.startMethod
        taskLimits = JobLimits(configuration.taskLimits)
        retries = configuration.onWorkerLoss.retries
        if case .breakPool = configuration.onWorkerLoss { keepsElements = false } else { keepsElements = true }
        startTimeout = configuration.startTimeout
        backlogLimit = configuration.backlogLimit
        detachedPayloadSize = options.detachedPayloadSize
        observer = options.observer
        // With one processor, who is looked for cannot come.
        spinTime = futures_affinity_count() > 1 ? options.spinTime.clampedNanoseconds : 0
        epoll = try FileDescriptor.epoll()
        wakeup = try FileDescriptor.event()
        core = Mutex(Core(state: PoolState(configuration)))
        try SystemError.check(
            futures_epoll_set(epoll.rawValue, wakeup.rawValue, 1, 0, 0, 0), "epoll_ctl", context: "starting a pool")
        // A worker that ends while it is written to must give EPIPE, not end this program.
        futures_ignore_sigpipe()
    }

    // MARK: Events

    /// One event: changes the state under the lock, then carries out what follows from it, unless another thread is
    /// at it already and will.
    @discardableResult
    func raise<R: Sendable>(
        _ event: (inout PoolState<PoolJob>, inout [PoolAction<PoolJob>]) -> R
    ) -> R {
        let (result, isToBeSettled) = core.withLock { core in
            (event(&core.state, &core.actions), core.isToBeSettled)
        }
        if isToBeSettled { settle() }
        return result
    }

    /// One event whose actions wait for the next ``settle()``, which the caller must see to.
    @discardableResult
    func record<R: Sendable>(
        _ event: (inout PoolState<PoolJob>, inout [PoolAction<PoolJob>]) -> R
    ) -> R {
        core.withLock { event(&$0.state, &$0.actions) }
    }

    func write(_ request: DriverWrite) {
        core.withLock { $0.writes.append(request) }
    }

    /// Holds a shutdown back until it is dropped, so that the rest of what was taken as a whole can be submitted.
    ///
    /// To be dropped with no lock held.
    final class Promise: Sendable {
        private let driver: PoolDriver

        fileprivate init(_ driver: PoolDriver) { self.driver = driver }

        deinit {
            let now = futures_monotonic_nanoseconds()
            driver.raise { state, actions in state.promiseEnded(now: now, &actions) }
        }
    }

    /// - Throws: as ``submit(_:priority:isPromised:)``.
    func promise() throws -> Promise {
        do throws(PoolRefusal) {
            try core.withLock { core throws(PoolRefusal) in try core.state.promised() }
        } catch {
            throw self.error(error, BacklogRoom(room))
        }
        return Promise(self)
    }

    /// Whether a job would be taken, were it small: to be asked before its arguments are encoded, which many that wait for room
    /// would do again and again.
    ///
    /// - Throws: as ``submit(_:priority:isPromised:)``.
    func checkRoom(isPromised: Bool) throws {
        guard backlogLimit != .none, !isPromised else { return }
        let room = BacklogRoom(room)
        do throws(PoolRefusal) {
            try core.withLock { core throws(PoolRefusal) in try core.state.checkTaking(size: 0) }
        } catch {
            throw self.error(error, room)
        }
    }

    func submit(_ job: PoolJob, priority: Int, isPromised: Bool = false) throws {
        try startThread()
        let now = futures_monotonic_nanoseconds()
        let room = BacklogRoom(room)
        do throws(PoolRefusal) {
            let isToBeSettled = try core.withLock { core throws(PoolRefusal) in
                let id = try core.state.submitted(
                    job, priority: priority, size: job.payload.bytes.count, limits: job.limits, isPromised: isPromised,
                    now: now, &core.actions)
                // Before anybody else sees it.
                job.future.attach(owner: self, ticket: id.rawValue)
                return core.isToBeSettled
            }
            if isToBeSettled { settle() }
        } catch {
            throw self.error(error, room)
        }
    }

    private func error(_ refusal: PoolRefusal, _ room: BacklogRoom) -> any Error {
        switch refusal {
        case .shutDown: ExecutorShutdownError()
        case .broken(let error): error
        case .full(let tasks, let bytes):
            BacklogFullError(tasks: tasks, bytes: bytes, limit: backlogLimit, room: room)
        }
    }

    // MARK: Ending

    func shutDown(cancelFutures: Bool) {
        let now = futures_monotonic_nanoseconds()
        raise { state, actions in state.shutDown(cancelFutures: cancelFutures, now: now, &actions) }
    }

    /// The user ends the workers with a signal: running tasks fail, waiting ones are cancelled.
    func terminate(signal: Int32, by call: String) {
        let now = futures_monotonic_nanoseconds()
        let error = BrokenProcessPool(reason: "\(call) was called")
        raise { state, actions in state.terminated(error, signal: signal, now: now, &actions) }
    }

    /// Returns when all work is done, all workers are gone, and the pool's threads have ended. Does not wait when
    /// called from one of those, in a callback: it could never end.
    @available(*, noasync)
    func waitForTermination() {
        if isOnOwnThread { return }
        _ = try? termination.result()
        thread.join()
        callbackThread.join()
    }

    func waitForTermination() async {
        if isOnOwnThread { return }
        await withCheckedContinuation { continuation in
            termination.addDoneCallback { (_: AnyFuture) in continuation.resume() }
        }
        // The threads are at their ends: this takes microseconds.
        thread.join()
        callbackThread.join()
    }

    /// Whether this is a thread that the pool's end waits for.
    private var isOnOwnThread: Bool {
        isReading || callbackThread.isCurrent || core.withLock { $0.tellers.contains(futures_thread_self()) }
    }

    /// Whether this thread reads from a worker, so that others, and the end of the worker, may have to wait for it.
    var isReading: Bool { thread.isCurrent || isReadingHere }

    /// What the pool has ended may be found so by any thread that uses it, in the middle of something else.
    func runCallbacks(endedByOwner isOwn: Bool, _ callbacks: @escaping @Sendable () -> Void) {
        if isOwn || isReading { callbackThread.run(callbacks) } else { callbacks() }
    }

    private func startThread() throws {
        try thread.start { self.run() }
    }

    func wakeThread() {
        if !thread.isCurrent { futures_eventfd_signal(wakeup.rawValue) }
    }
}
