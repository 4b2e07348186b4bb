internal import CProto

/// What the driver's thread remembers between two turns of its loop.
struct PoolLoop {
    var isFinished = false
    /// Workers whose standard error waits because ours takes nothing now.
    var heldUpOutputs: Set<WorkerID> = []
    /// The same of workers that are gone.
    var leftOutputs: [ErrorRelay] = []
    /// Workers that closed the wire and have not exited yet.
    var closedWires: Set<WorkerID> = []
    /// Forks the workers, if the pool wants that.
    var forkServer: ForkServer?
    /// Payloads that are being copied into the memory of workers.
    var puts: [DetachedPut] = []
    /// Workers whose answers have payloads that are being taken from their memory.
    var takes: Set<WorkerID> = []

    /// How long a worker that closed the wire may take to exit: its exit status says more than the closed wire does.
    static let closedWireGrace: Int64 = 1_000_000_000
    /// How often a held-up standard error is tried again.
    static let errorOutputRetry: Int64 = 50_000_000
    /// How long the end of a pool waits for somebody to read what workers have written, in milliseconds.
    static let errorOutputPatience: Int32 = 1_000

    /// Of so many bytes; where nobody reads them, the others are lost.
    static let leftOutputLimit = 4 << 20

    /// A worker is gone that had written this.
    mutating func leave(_ relay: ErrorRelay) {
        guard relay.isHeldUp, leftOutputs.reduce(0, { $0 + $1.count }) < Self.leftOutputLimit else { return }
        leftOutputs.append(relay)
    }

    /// The pool ends. Nobody may ever read it: one moment for all of it.
    mutating func passOnLeftOutputs() {
        let deadline = futures_monotonic_nanoseconds() + Int64(Self.errorOutputPatience) * 1_000_000
        for relay in leftOutputs {
            let left = max(0, deadline - futures_monotonic_nanoseconds())
            relay.passOn(waiting: Int32(left / 1_000_000))
        }
        leftOutputs = []
    }

    var holdsOutput: Bool { !heldUpOutputs.isEmpty || !leftOutputs.isEmpty }

    /// What a descriptor in the epoll set is.
    enum Channel: UInt64 {
        case answers = 0
        case errorOutput = 1
        case process = 2
        case room = 3
    }

    static func token(_ id: WorkerID, _ channel: Channel) -> UInt64 { id.rawValue << 2 | channel.rawValue }

    static func meaning(of token: UInt64) -> (WorkerID, Channel) {
        (WorkerID(rawValue: token >> 2), Channel(rawValue: token & 3)!)
    }

    static func watch(_ link: PipeLink, epoll: borrowing FileDescriptor) throws(SystemError) {
        func add(_ descriptor: Int32, _ channel: Channel) throws(SystemError) {
            try SystemError.check(
                futures_epoll_set(epoll.rawValue, descriptor, 1, 0, 0, token(link.id, channel)), "epoll_ctl",
                context: "watching \(link.name)")
        }
        try add(link.fromWorker.rawValue, .answers)
        try add(link.errorOutput.descriptor.rawValue, .errorOutput)
        try add(link.pidfd.rawValue, .process)
    }

    /// Has the driver's thread hear nothing of what the worker says; false if the system refuses.
    static func pauseWatching(_ link: PipeLink, epoll: borrowing FileDescriptor) -> Bool {
        futures_epoll_pause(epoll.rawValue, link.fromWorker.rawValue, token(link.id, .answers)) == 0
    }

    /// Has it hear again, also of what has come meanwhile; false if the descriptor is not what it was.
    static func resumeWatching(_ link: PipeLink, epoll: borrowing FileDescriptor) -> Bool {
        futures_epoll_set(epoll.rawValue, link.fromWorker.rawValue, 1, 0, 1, token(link.id, .answers)) == 0
    }

    /// Has the driver's thread told when the pipe to the worker takes more.
    static func watchForRoom(_ link: PipeLink, epoll: borrowing FileDescriptor) {
        // Fails only without kernel memory; the turn of the next write then tries again.
        if futures_epoll_set(epoll.rawValue, link.toWorker.rawValue, 0, 1, 0, token(link.id, .room)) < 0 {
            link.isWaitingForRoom = false
        }
    }
}
