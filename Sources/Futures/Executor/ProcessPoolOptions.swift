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

    /// The defaults, but for what is named.
    public init(
        compression: CompressionPolicy = .off, backlogLimit: BacklogLimit = .none,
        onWorkerLoss: WorkerLossPolicy = .breakPool
    ) {
        self.compression = compression
        self.backlogLimit = backlogLimit
        self.onWorkerLoss = onWorkerLoss
    }

    func check() throws(InvalidArgumentError) {
        try backlogLimit.check()
        try onWorkerLoss.check()
    }
}
