/// How much may wait in an executor for a worker: so that whoever produces work faster than it is done does not fill the
/// memory.
///
/// Calls that no worker has begun count; what runs does not. With the limit reached, `submit` throws ``BacklogFullError``,
/// and ``Executor/submitWhenRoom(_:_:options:timeout:)-(_,Input,_,_)`` waits. A map that reads lazily waits, too; one that
/// submits everything at the call throws.
public struct BacklogLimit: Sendable, Hashable {
    /// The most calls that wait; a chunk of a map is one. At least 1.
    public var tasks: Int
    /// The most bytes that the encoded arguments of the waiting calls take. At least 1. A call that is larger by itself is
    /// taken when nothing else waits. Makes no difference on threads, where arguments are not encoded.
    public var bytes: Int

    /// A limit.
    public init(tasks: Int = .max, bytes: Int = .max) {
        self.tasks = tasks
        self.bytes = bytes
    }

    /// No limit.
    public static let none = BacklogLimit()

    func check() throws(InvalidArgumentError) {
        try InvalidArgumentError.check("backlogLimit.tasks", tasks)
        try InvalidArgumentError.check("backlogLimit.bytes", bytes)
    }

    /// Whether a call of `size` bytes may wait, too.
    func hasRoom(beside tasks: Int, bytes: Int, for size: Int) -> Bool {
        guard tasks > 0 else { return true }
        return tasks < self.tasks && (self.bytes == .max || bytes + size <= self.bytes)
    }
}

/// The executor's backlog is full: the call was not taken.
public struct BacklogFullError: Error, Sendable, Hashable, CustomStringConvertible {
    /// How many calls waited for a worker.
    public let tasks: Int
    /// How many bytes their arguments took.
    public let bytes: Int
    /// What the executor was told to hold.
    public let limit: BacklogLimit
    /// Where to wait for room: the executor that threw this need not be the one that was asked.
    let room: BacklogRoom

    /// How much waits, what the limit is, and what to do.
    public var description: String {
        let most = [
            limit.tasks == .max ? nil : "\(limit.tasks) calls", limit.bytes == .max ? nil : "\(limit.bytes) bytes",
        ].compactMap { $0 }.joined(separator: " or ")
        return """
            the backlog is full: \(tasks) calls with \(bytes) bytes wait for a worker, of at most \(most); \
            use submitWhenRoom to wait for room, or map with a bufferSize
            """
    }
}

/// Tells those who were refused that there may be room in a backlog again. Errors do not differ by it.
struct BacklogRoom: Sendable, Hashable {
    private let signal: Signal
    private let seen: UInt32

    /// To be made before the call is tried: news that come after that end the wait.
    init(_ signal: Signal) {
        self.signal = signal
        seen = signal.count
    }

    /// Blocks the thread until there may be room, the deadline, or for no reason.
    func wait(until deadline: Deadline) { signal.sleep(since: seen, until: deadline) }

    /// Suspends the task until there may be room, the deadline, or its cancellation.
    nonisolated(nonsending) func wait(until deadline: Deadline) async {
        await signal.sleep(since: seen, until: deadline)
    }

    /// Ends all waits, for a reason of the caller's.
    func wakeAll() { signal.raise() }

    static func == (left: BacklogRoom, right: BacklogRoom) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}
