/// When worker processes are replaced, besides after `maxTasksPerChild` tasks: so that what leaks does not pile up.
///
/// A worker that is due runs what it has, and then ends; its successor is started meanwhile, if more work waits. An idle one ends
/// at once, and a new one is started when there is work.
public struct WorkerRecycling: Sendable, Hashable {
    /// Replaced when it has so many bytes of memory of its own in RAM; at least 1; nil for never. Looked at every 100 ms while
    /// it runs calls. A call that takes more is not ended: that is what ``WorkerLimits/residentMemory`` is for.
    public var memory: Int?
    /// Replaced so long after it was given its first call; more than zero; nil for never.
    public var age: Duration?
    /// By up to this share of its age each worker is replaced earlier, at random, so that those that started together do not
    /// end together. 0 to 1.
    public var jitter: Double

    /// No recycling but by what is named.
    public init(memory: Int? = nil, age: Duration? = nil, jitter: Double = 0.1) {
        self.memory = memory
        self.age = age
        self.jitter = jitter
    }

    /// Neither by memory nor by age.
    public static let none = WorkerRecycling()

    func check() throws(InvalidArgumentError) {
        if let memory { try InvalidArgumentError.check("recycling.memory", memory) }
        if let age, age <= .zero {
            throw InvalidArgumentError(argument: "recycling.age", problem: "must be more than zero, not \(age)")
        }
        guard (0...1).contains(jitter) else {
            throw InvalidArgumentError(argument: "recycling.jitter", problem: "must be between 0 and 1, not \(jitter)")
        }
    }
}
