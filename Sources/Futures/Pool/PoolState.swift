import DequeModule

/// The scheduler of a process pool: which task waits, which worker holds which tasks in which order, and what is to be
/// done next.
///
/// A plain value without thread, lock, clock or descriptor. Each event is a method named after what happened; it
/// appends to `actions` what its driver is to carry out, in order. Times are nanoseconds of any clock that only goes
/// forward. The same code runs under ``PoolDriver``, in unit tests, and in a simulator.
///
/// A task is in exactly one place: in `backlog`, in one worker's `held` queue, or delayed, waiting for the time of its next
/// attempt. A worker runs what it holds in order, so the first of `held` is the one that it runs.
package struct PoolState<Job: Sendable> {
    package struct Configuration: Sendable {
        /// How many workers may run tasks at the same time. At least 1.
        package var maxWorkers: Int
        /// Replace a worker after so many tasks. At least 1.
        package var maxTasksPerChild: Int?
        /// When workers are replaced besides.
        package var recycling = WorkerRecycling.none
        /// Somebody wants to know how much memory workers have while they run tasks, so often.
        package var watchesMemory = false
        package var memoryWatchInterval: Int64 = 100_000_000
        /// With `watchesMemory`: also while they come up, and run their initializer.
        package var watchesMemoryOfStarts = false
        /// How much may wait for a worker.
        package var backlogLimit = BacklogLimit.none
        /// What the loss of a worker costs.
        package var onWorkerLoss = WorkerLossPolicy.breakPool
        /// How long tasks may run that have no limits of their own.
        package var taskLimits = TaskLimits.none
        /// Most tasks that are sent ahead of the one a worker runs.
        package var maxAhead = 256
        /// How much work, in nanoseconds, is sent ahead to hide a round trip: a few times a blocking one (50 µs).
        package var lookahead: Int64 = 200_000
        /// Tasks shorter than this still get one sent ahead: an idle round trip costs at most 1 % of them.
        package var longTask: Int64 = 10_000_000
        /// How long a worker may take from its start to the end of its handshake and initializer.
        package var startTimeout: Int64 = 60_000_000_000
        /// How long a worker may take to exit when it was told to, before it is killed.
        package var exitTimeout: Int64 = 5_000_000_000
        /// How long work may lie behind a running task while another worker idles, before it is asked back.
        package var stealDelay: Int64 = 2_000_000
        /// The elements of a chunk are looked at that often, at most, to see whether one has reached its limit.
        package var elementWatch: Int64 = 5_000_000
        /// The pause after the first of several failed starts, doubled with each one that follows, up to the longest.
        package var startPause: Int64 = 50_000_000
        package var longestStartPause: Int64 = 2_000_000_000
        /// With no worker left, and so many failures in a row, the pool breaks where none ever started.
        package var maxFirstStartFailures = 3
        /// The same where workers came up before; then only if the first failure is as long ago as `startPatience`, or they
        /// fail in a way that will last.
        package var maxStartFailures = 5
        package var startPatience: Int64 = 30_000_000_000
        /// What jitter is made of.
        package var seed: UInt64 = 0

        package init(maxWorkers: Int, maxTasksPerChild: Int? = nil) {
            self.maxWorkers = maxWorkers
            self.maxTasksPerChild = maxTasksPerChild
        }
    }

    enum Phase {
        /// Takes work. Can transition to `shuttingDown`, `broken`.
        case open
        /// Runs what it has. Can transition to `broken`, `finished`.
        case shuttingDown
        /// All work was failed, the workers are being ended. Can transition to `finished` once a shutdown was asked
        /// for, too.
        case broken(any Error, isShutDown: Bool)
        /// No work, no worker, no way back.
        case finished
    }

    struct Worker {
        enum Stage {
            /// Spawned, the handshake or initializer is not over. To `ready`, or gone.
            case starting
            /// Takes tasks. To `retiring`, `leaving`, or gone.
            case ready
            /// Has had its last task. To `leaving` when that is done, or gone.
            case retiring
            /// Told to exit, or killed by us: its end is expected. To gone.
            case leaving
        }
        var stage = Stage.starting
        var held = Deque<TaskID>()
        /// Tasks that it may still get before it is replaced.
        var tasksLeft: Int?
        /// It was given a task.
        var isUsed = false
        /// It is too old, or too large, to get any more.
        var isWornOut = false
        /// When the first of `held` became the first.
        var headSince: Int64 = 0
        /// The earliest of the times below.
        var due: Int64 { min(deadline, limitDue, memoryDue, retirement) }
        // Times, .max for never.
        /// When it must have started, or must be gone.
        var deadline = Int64.max
        /// The earliest of the timers that are set for it.
        var timer = Int64.max
        /// When it is to be looked whether what it runs has reached a limit.
        var limitDue = Int64.max
        /// When its memory is to be looked at.
        var memoryDue = Int64.max
        /// When it is old enough to be replaced.
        var retirement = Int64.max
        /// What it was told to interrupt.
        var interrupted: (task: TaskID, attempt: UInt32, element: Int?)?
        /// Where it was seen at a chunk, and at none of its elements.
        struct Between {
            let task: TaskID
            /// Of the element before, as its journal says.
            let since: Int64
            /// When it was seen there first.
            let seen: Int64
        }
        var between: Between?
        /// It has an entry on the `idle` stack.
        var isListedIdle = false
        /// It has an entry on the `spare` stack.
        var isListedSpare = false
    }

    let configuration: Configuration
    var phase = Phase.open
    var tasks = TaskTable<Job>()
    var backlog = Backlog()
    /// Tasks that no worker has begun, also those that were sent ahead, and how many bytes their arguments take.
    var waitingCount = 0
    var waitingBytes = 0
    /// A task was refused for want of room, and nobody was told yet that there is some.
    var hasRefused = false
    var workers = WorkerTable<Worker>()
    var lastWorker: UInt64 = 0
    /// How workers were lost that are still in the books.
    var losses: [WorkerID: LossReport] = [:]
    /// Ready workers without a task, last in first out (the caches of the one used last are warm). May hold stale
    /// entries, which are dropped when they are reached.
    var idle: [WorkerID] = []
    /// Ready workers that may get one more task sent ahead. Stale entries as above.
    var spare: [WorkerID] = []
    var startingCount = 0
    var readyCount = 0
    /// Workers that hold at least one task.
    var busyCount = 0
    /// Tasks that workers hold.
    var heldCount = 0
    /// Failed starts in a row.
    var startFailures = 0
    var firstStartFailure: Int64 = 0
    /// After a failure: when the next start may be tried.
    var nextStart: Int64 = 0
    /// The last start failed in a way that another one would only repeat.
    var isStartingHopeless = false
    var lastStartError: (any Error)?
    var hasEverStarted = false
    /// Moving average of the run time of tasks, in nanoseconds; nil before the first result.
    var meanRunTime: Int64?
    /// A timer is set for looking after idle workers.
    var isStealTimerSet = false
    var timers = PoolTimers()
    /// Tasks that wait for the time of their next attempt.
    var delayedCount = 0
    /// What tasks were charged with; only those that failed before have an entry.
    var histories: [TaskID: TaskHistory] = [:]
    /// Only those of tasks that have limits of their own.
    var taskLimits: [TaskID: TaskLimits] = [:]
    /// Only those that are not 0.
    var priorities: [TaskID: Int] = [:]
    var random: SplitMix
    /// Promises of more work, which a shutdown waits for as for work.
    var promises = 0
    /// A shutdown asked for the cancellation of everything that no worker has begun.
    var isCancellingFutures = false

    package init(_ configuration: Configuration) {
        precondition(configuration.maxWorkers >= 1 && (configuration.maxTasksPerChild ?? 1) >= 1)
        self.configuration = configuration
        random = SplitMix(seed: configuration.seed)
    }

    /// The earliest time at which `timePassed` must be called, if there is one.
    package var nextDeadline: Int64? { timers.next }

    package var isFinished: Bool {
        if case .finished = phase { return true }
        return false
    }

    /// How many tasks wait on our side.
    var backlogCount: Int { backlog.count }

    package var workerCount: Int { workers.count }
    package var pendingTaskCount: Int { tasks.count }

    /// The task that a worker was running, for the report of its loss, and which execution of it that is.
    package func task(of id: WorkerID, _ running: LossReport.Running) -> (id: TaskID, job: Job, execution: Int)? {
        guard let worker = workers[id], let task = guiltyTask(of: worker, id, running), let record = tasks[task] else {
            return nil
        }
        return (task, record.job, 1 + (histories[task]?.failures(of: running.element) ?? 0))
    }

    /// Whether a worker's handshake or initializer is not over.
    package func isStarting(_ id: WorkerID) -> Bool {
        guard let worker = workers[id], case .starting = worker.stage else { return false }
        return true
    }

    /// Whether a worker's end would not surprise: it was told to go, or killed by us.
    package func expectsExit(of id: WorkerID) -> Bool {
        guard let worker = workers[id] else { return true }
        if case .leaving = worker.stage { return true }
        return false
    }
}
