internal import CProto
import Glibc
import Wire

/// The local way to a worker: its process and the three pipes to it.
///
/// `@unchecked Sendable`: what changes belongs to a role, and only the thread that has the role touches it. `outbox`
/// and what follows it belong to the pool's settling role (see ``PoolDriver``); the other roles are named
/// where they begin.
final class PipeLink: @unchecked Sendable {
    let id: WorkerID
    let pid: Int32
    let command: WorkerCommand
    let pidfd: FileDescriptor
    let toWorker: FileDescriptor
    let fromWorker: FileDescriptor
    let errorOutput: WorkerErrorOutput
    let journal: WorkerJournal
    /// ``OutOfMemoryWitness/kills()`` before it was started.
    let outOfMemoryKills: UInt64?

    // The settling role's.
    var outbox = FrameBuffer()
    /// The pipe is full; the driver's thread waits until it takes more.
    var isWaitingForRoom = false
    /// The detached payload that is to be sent is being copied into the worker's memory.
    var isPutting = false
    /// The worker does not read any more: what would be sent is dropped, its end is awaited.
    var isClosedByWorker = false
    /// How many there are in the outbox, at most.
    var unwrittenPongs = 0
    static let mostUnwrittenPongs = 1024
    private var bindings: [Binding?] = []

    // Theirs who have the reading role; `functions` and `limits` do not change any more when the worker is ready.
    let reading = ReadingRole()
    var spinning = SpinPolicy()
    var decoder = FrameDecoder(limits: .default)
    /// The decoder's, readable while it hands out a frame.
    let receiveLimits = WireLimits.default
    var isWelcomed = false
    /// It has answered the initializer.
    var isInitialized = false
    /// What is to be found in the worker's memory, if payloads may be detached.
    private(set) var probe: MemoryProbe?
    /// It may detach a payload: it was told to, and the last one was taken.
    var mayLend = false
    /// How many bytes have been read from the worker.
    var received: UInt64 = 0
    /// No more will be read: the pipe has ended, or its bytes cannot be trusted.
    var hasStoppedReading = false
    /// What it sends cannot be understood.
    var isUnintelligible = false
    /// What another thread than the driver's found wrong, until that thread deals with it.
    var brokenRule: String?
    /// Whether what comes next can be read from the pipe.
    var isReadable: Bool { !hasStoppedReading && !decoder.awaitsDetached }
    private(set) var functions: [String: (index: UInt32, description: FunctionDescription)] = [:]
    private(set) var limits = WireLimits.default

    // The driver thread's.
    /// How long it has computed; known when it is reaped.
    private(set) var processorTime: Duration?
    /// When a worker that closed the wire without exiting is given up.
    var closedDeadline: Int64?

    /// How a function of the pool is called in this worker.
    enum Binding {
        case index(UInt32)
        case unusable(CallableError)
    }

    init(
        id: WorkerID, command: WorkerCommand, process: consuming SpawnedProcess, outOfMemoryKills: UInt64? = nil
    ) {
        self.outOfMemoryKills = outOfMemoryKills
        self.id = id
        self.command = command
        pid = process.pid
        pidfd = process.pidfd
        toWorker = process.toWorker
        fromWorker = process.fromWorker
        errorOutput = WorkerErrorOutput(process.standardError)
        journal = process.journal
    }

    /// What the decoding of an answer needs to know of where it came from.
    var origin: AnswerOrigin { AnswerOrigin(pid: pid, limits: receiveLimits) }

    /// How error messages call the worker.
    var name: String { "worker process \(pid) (\(command.displayName))" }

    func welcomed(_ welcome: Welcome) {
        isWelcomed = true
        limits = welcome.limits
        probe = welcome.probe
        for (index, function) in welcome.functions.enumerated() {
            functions[function.name] = (UInt32(index), function)
        }
    }

    /// The settling role's: looked up once for each function.
    func binding(of function: PoolFunction) -> Binding {
        while bindings.count <= function.index { bindings.append(nil) }
        if let binding = bindings[function.index] { return binding }
        let binding = bind(function.name, function.signature)
        bindings[function.index] = binding
        return binding
    }

    private func bind(_ name: String, _ signature: Signature) -> Binding {
        guard let (index, theirs) = functions[name] else {
            return .unusable(
                .missing(name: name, signature: signature, worker: self.name, registered: Array(functions.keys)))
        }
        guard theirs.fingerprint == signature.fingerprint, theirs.signature == signature.description else {
            return .unusable(
                .signatureMismatch(
                    name: name, ours: signature, theirs: Signature(theirs.signature), worker: self.name))
        }
        return .index(index)
    }

    enum FlushResult {
        case done
        /// The rest must wait until the pipe takes more.
        case full
        /// The rest must wait until the payload before it is in the worker's memory.
        case awaitsDetached
        case closed
    }

    /// Writes what the pipe takes now. The settling role's.
    func flush() -> FlushResult {
        while !outbox.isEmpty {
            if outbox.awaitsDetached { return .awaitsDetached }
            guard let written = outbox.withFirstBytes({ toWorker.write($0) }) else {
                outbox.removeAll(keepingCapacity: false)
                return .closed
            }
            guard written > 0 else { return .full }
            outbox.removeFirst(written)
        }
        unwrittenPongs = 0
        return .done
    }

    /// Copies from the worker's memory.
    ///
    /// - Returns: how many bytes, or a negative error number; -ESRCH if the process is gone.
    func copyFromMemory(_ address: UInt64, into space: UnsafeMutableRawBufferPointer) -> Int {
        let count = futures_memory_copy_from(pid, address, space.baseAddress, space.count)
        // Reaped by somebody else in this program, the number may be another's by now, and so may the bytes.
        return isThere ? count : -Int(ESRCH)
    }

    /// Copies into the worker's memory, likewise.
    func copyToMemory(_ address: UInt64, from bytes: UnsafeRawBufferPointer) -> Int {
        guard isThere else { return -Int(ESRCH) }
        return futures_memory_copy_to(pid, address, bytes.baseAddress, bytes.count)
    }

    /// Whether the process is there, or has ended and nobody has reaped it.
    private var isThere: Bool { futures_pidfd_signal(pidfd.rawValue, 0) >= 0 }

    /// Signals the worker's process group. Nothing happens once the process is reaped, be it by somebody else in this
    /// program: the number may be another's.
    func signal(_ number: Int32) {
        guard isThere else { return }
        // It may have left its group, and others of its may still be in there.
        if futures_group_signal(pid, number) < 0 || getpgid(pid) != pid {
            _ = futures_pidfd_signal(pidfd.rawValue, number)
        }
    }

    /// Reaps the process if it has ended. What it left in its group is killed first, while the group's number is
    /// still its own.
    func reap() -> TerminationStatus? {
        let hasEnded = futures_has_ended(pidfd.rawValue)
        if hasEnded == 0 { return nil }
        // A program that ignores SIGCHLD, or waits for all its children, has taken the end away.
        if hasEnded < 0 { return .unknown }
        _ = futures_group_signal(pid, SIGKILL)
        return status(blocks: false)
    }

    /// Kills a process that nobody watches, and waits for its end, which is near.
    func killAndReap() {
        signal(SIGKILL)
        _ = status(blocks: true)
    }

    private func status(blocks: Bool) -> TerminationStatus {
        var exit = futures_exit()
        guard futures_reap(pidfd.rawValue, blocks ? 1 : 0, &exit) == 1 else { return .unknown }
        processorTime = .microseconds(Int64(exit.processor_microseconds))
        return exit.is_signal != 0
            ? .signaled(signal: exit.value, dumpedCore: exit.dumped_core != 0) : .exited(code: exit.value)
    }
}
