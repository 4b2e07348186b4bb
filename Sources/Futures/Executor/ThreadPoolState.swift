/// Which thread of a pool runs what: its decisions, without threads, locks or futures.
///
/// The driver reports events and does what the answers say. Threads are numbered from 0.
struct ThreadPoolState<Job: Sendable> {
    private enum Phase {
        /// Takes work. To `broken`, `closing`.
        case open
        /// An initializer failed. Nothing waits, nothing is taken. To `broken` with a shutdown.
        case broken(any Error, isShutDown: Bool)
        /// Shut down; what waits is still run.
        case closing
    }

    /// What a submission leads to.
    enum Wakeup: Equatable {
        /// A thread will look for work anyway.
        case none
        /// This thread sleeps, and is to look for work.
        case wake(Int)
        /// This thread is to be made.
        case start(Int)
    }

    /// What a thread that looked for work is to do.
    enum Step {
        case run(Job)
        /// Until it is woken.
        case sleep
        /// For ever. The last one of the pool says so.
        case end(isLast: Bool)
    }

    /// What is left to do when a pool takes no more work.
    struct Closing {
        /// Threads that sleep and are to look for work.
        var wake: [Int] = []
        /// What will not be run.
        var dropped: [Job] = []
        /// No thread is there that could end.
        var isFinished = false
    }

    let maxThreads: Int
    private var phase = Phase.open
    private let limit: BacklogLimit
    private var tasks = TaskTable<Job>()
    private var backlog = Backlog()
    /// A job was refused for want of room, and nobody was told yet that there is some.
    private var hasRefused = false
    /// The threads that sleep; the one that began last is woken first, since its stack is the warmest.
    private var idle: [Int] = []
    private var alive = 0
    private var nextThread = 0

    init(maxThreads: Int, limit: BacklogLimit = .none) {
        precondition(maxThreads >= 1)
        self.maxThreads = maxThreads
        self.limit = limit
    }

    /// How many jobs wait for a thread.
    var waitingCount: Int { backlog.count }
    /// How many threads there are, with those about to be made.
    var threadCount: Int { alive }
    /// How many threads sleep.
    var idleCount: Int { idle.count }

    private var isOver: Bool {
        if case .open = phase { return false }
        return alive == 0
    }

    // MARK: Events

    mutating func submitted(_ job: Job, priority: Int = 0) throws(PoolRefusal) -> (ticket: TaskID, wakeup: Wakeup) {
        switch phase {
        case .open: break
        case .closing, .broken(_, isShutDown: true): throw .shutDown
        case .broken(let error, isShutDown: false): throw .broken(error)
        }
        guard limit.hasRoom(beside: backlog.count, bytes: 0, for: 0) else {
            hasRefused = true
            throw .full(tasks: backlog.count, bytes: 0)
        }
        let ticket = tasks.insert(job)
        backlog.append(ticket, priority: priority)
        if let thread = idle.popLast() { return (ticket, .wake(thread)) }
        if alive < maxThreads {
            alive += 1
            defer { nextThread += 1 }
            return (ticket, .start(nextThread))
        }
        return (ticket, .none)
    }

    /// The job of `ticket` was cancelled: it is given back, unless a thread has taken it.
    mutating func cancelled(_ ticket: TaskID) -> Job? {
        guard let record = tasks.remove(ticket) else { return nil }
        backlog.removed(where: tasks.waits)
        return record.job
    }

    private mutating func nextJob() -> Job? {
        guard let ticket = backlog.popFirst(where: tasks.waits) else { return nil }
        return tasks.remove(ticket)?.job
    }

    private mutating func takeAllJobs() -> [Job] {
        var jobs: [Job] = []
        jobs.reserveCapacity(backlog.count)
        while let job = nextJob() { jobs.append(job) }
        return jobs
    }

    /// Whether those who were refused are to be told that they may try again: there is room, or there will never be any.
    /// To be asked after each event; says so once.
    mutating func takeNewsOfRoom() -> Bool {
        guard hasRefused else { return false }
        if case .open = phase, !limit.hasRoom(beside: backlog.count, bytes: 0, for: 0) { return false }
        hasRefused = false
        return true
    }

    /// A thread is new, was woken, or has run its job.
    mutating func lookedForWork(_ thread: Int) -> Step {
        if let job = nextJob() { return .run(job) }
        if case .open = phase {
            precondition(!idle.contains(thread), "thread \(thread) looks for work in its sleep")
            idle.append(thread)
            return .sleep
        }
        alive -= 1
        return .end(isLast: isOver)
    }

    /// The system gave no thread for a submission.
    ///
    /// - Returns: the jobs that no thread will run, since there is none.
    mutating func threadFailedToStart() -> (dropped: [Job], isFinished: Bool) {
        alive -= 1
        return (alive == 0 ? takeAllJobs() : [], isOver)
    }

    /// A thread's initializer threw; the thread goes on to look for work, and finds that it is to end.
    mutating func initializerFailed(_ error: any Error) -> Closing {
        switch phase {
        case .open: phase = .broken(error, isShutDown: false)
        case .closing: phase = .broken(error, isShutDown: true)
        case .broken: break
        }
        return Closing(wake: takeIdle(), dropped: takeAllJobs())
    }

    mutating func shutDown(cancelling: Bool) -> Closing {
        var closing = Closing()
        switch phase {
        case .open:
            phase = .closing
            closing.wake = takeIdle()
            closing.isFinished = alive == 0
        case .closing: break
        case .broken(let error, _): phase = .broken(error, isShutDown: true)
        }
        if case .broken = phase, alive == 0 { closing.isFinished = true }
        if cancelling { closing.dropped = takeAllJobs() }
        return closing
    }

    private mutating func takeIdle() -> [Int] {
        defer { idle = [] }
        return idle
    }
}
