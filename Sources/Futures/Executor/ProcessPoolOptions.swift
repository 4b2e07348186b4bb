import Wire

/// What is rarely chosen about a process pool.
public struct ProcessPoolOptions: Sendable {
    /// Whether large arguments and results are compressed on their way. Off by default: on one machine the pipes are faster
    /// than zlib.
    public var compression: CompressionPolicy
    /// How much may wait for a worker; without a limit by default.
    public var backlogLimit: BacklogLimit
    /// What a worker that ends abruptly costs. By default the pool is broken, as in Python.
    public var onWorkerLoss: WorkerLossPolicy
    /// The ``CallOptions/softTimeout`` of calls that have none of their own; nil for none.
    public var softTimeout: Duration?
    /// The ``CallOptions/hardTimeout`` of calls that have none of their own; nil for none.
    public var hardTimeout: Duration?

    /// What each worker may take of the machine; nothing is limited by default.
    public var workerLimits: WorkerLimits
    /// How workers are started; spawned by default.
    public var startMethod: WorkerStartMethod
    /// When workers are replaced besides after `maxTasksPerChild` tasks; never by default.
    public var recycling: WorkerRecycling
    /// What a worker that crashes in Swift code tells about it.
    public var crashBacktrace: CrashBacktrace
    /// How long a worker may take from its start to the end of its handshake and initializer; more than zero. 60 s by default.
    public var startTimeout: Duration
    /// How long a worker that is to end may take, after SIGTERM or when it was told to by the wire, before it gets SIGKILL.
    /// Zero or more. 5 s by default.
    public var terminationGrace: Duration
    /// How long a worker that has nothing to do, and a thread that waits for a result, look again and again for what comes
    /// before they sleep; 0 to 10 ms, where 0 turns it off. 100 µs by default: a short call is answered as much sooner, for
    /// which they keep a processor for as long. They learn: where it is in vain, they do it seldom. A thread does not look
    /// while as many workers compute as there are processors, and with one processor nobody does.
    public var spinTime: Duration
    /// Payloads of so many bytes and more do not go through a pipe where it can be avoided; nil if all do.
    package var detachedPayloadSize: Int? = PayloadLender.smallest
    /// Is told what workers did; nil for nobody.
    package var observer: (any PoolObserver)?

    /// The defaults, but for what is named.
    public init(
        compression: CompressionPolicy = .off, backlogLimit: BacklogLimit = .none,
        onWorkerLoss: WorkerLossPolicy = .breakPool, softTimeout: Duration? = nil, hardTimeout: Duration? = nil,
        workerLimits: WorkerLimits = .none, startMethod: WorkerStartMethod = .spawn, recycling: WorkerRecycling = .none,
        crashBacktrace: CrashBacktrace = .inherited, startTimeout: Duration = .seconds(60),
        terminationGrace: Duration = .seconds(5), spinTime: Duration = .microseconds(100)
    ) {
        self.compression = compression
        self.backlogLimit = backlogLimit
        self.onWorkerLoss = onWorkerLoss
        self.softTimeout = softTimeout
        self.hardTimeout = hardTimeout
        self.workerLimits = workerLimits
        self.startMethod = startMethod
        self.recycling = recycling
        self.crashBacktrace = crashBacktrace
        self.startTimeout = startTimeout
        self.terminationGrace = terminationGrace
        self.spinTime = spinTime
    }

    func check() throws(InvalidArgumentError) {
        try backlogLimit.check()
        try onWorkerLoss.check()
        try workerLimits.check("workerLimits")
        try recycling.check()
        guard startTimeout > .zero else {
            throw InvalidArgumentError(argument: "startTimeout", problem: "must be more than zero, not \(startTimeout)")
        }
        guard terminationGrace >= .zero else {
            throw InvalidArgumentError(
                argument: "terminationGrace", problem: "must not be negative: \(terminationGrace)")
        }
        guard spinTime >= .zero, spinTime <= .milliseconds(10) else {
            throw InvalidArgumentError(argument: "spinTime", problem: "must be 0 to 10 ms, not \(spinTime)")
        }
    }

    func taskLimits() throws(InvalidArgumentError) -> TaskLimits {
        var limits = TaskLimits.none
        if let softTimeout { limits.soft = try CallOptions.nanoseconds("softTimeout", softTimeout) }
        if let hardTimeout { limits.hard = try CallOptions.nanoseconds("hardTimeout", hardTimeout) }
        return limits
    }
}
