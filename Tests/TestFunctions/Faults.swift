import Futures
import Glibc

/// What can go wrong in a worker process.
public enum Fault: String, Codable, Sendable, CaseIterable {
    case throwing = "throws"
    case exit0 = "exit 0"
    case exit1 = "exit 1"
    case fatalError = "fatalError"
    case segmentationFault = "SIGSEGV"
    case kill = "SIGKILL"
    case stop = "SIGSTOP"
    case closeWire = "closes the wire"
    case garbage = "writes garbage"
    case halfFrame = "half a frame"
    case enormousLength = "enormous length"
    case ignoreTermination = "hangs, ignores SIGTERM"
    case eatMemory = "eats memory"

    /// Does it; returns only where the process goes on as if nothing had been.
    func happen() throws {
        switch self {
        case .throwing: throw Refused(code: 13)
        case .exit0: exit(0)
        case .exit1: exit(1)
        case .fatalError: Swift.fatalError("on purpose")
        case .segmentationFault: raise(SIGSEGV)
        case .kill: Glibc.kill(getpid(), SIGKILL)
        case .stop: Glibc.kill(getpid(), SIGSTOP)
        case .closeWire:
            close(3)
            close(4)
            while true { pause() }
        case .garbage:
            say((0..<64).map { 7 &* $0 })
        case .halfFrame:
            // The header of a ping, and no more of it.
            say([0xF7, 10, 0xFF, 0xF4, 9, 0, 0, 0])
            _exit(0)
        case .enormousLength:
            say([0xF7, 5] + checksum + [0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
        case .ignoreTermination:
            signal(SIGTERM, SIG_IGN)
            while true { usleep(100_000) }
        case .eatMemory:
            var addresses = rlimit(rlim_cur: 1 << 30, rlim_max: 1 << 30)
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &addresses)
            // Not written to, so that the limit is there at once.
            while true { _ = UnsafeMutableRawPointer.allocate(byteCount: 256 << 20, alignment: 16) }
        }
    }

    /// Of a result's header with no message and a payload of 2^64 - 1 bytes; the sum of RFC 1071.
    private var checksum: [UInt8] {
        var sum: UInt32 = 0x05F7 + 4 * 0xFFFF
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        let word = ~UInt16(sum)
        return [UInt8(word & 0xFF), UInt8(word >> 8)]
    }

    private func say(_ bytes: [UInt8]) { _ = write(4, bytes, bytes.count) }
}

/// A fault, and how often it happens.
public struct FaultPlan: Codable, Sendable {
    public var fault: Fault
    /// Counts how often the place of the fault was reached, over all processes.
    public var path: String
    /// It happens at the first so many times.
    public var times: Int

    public init(_ fault: Fault, path: String, times: Int = 1) {
        self.fault = fault
        self.path = path
        self.times = times
    }

    /// The place of the fault is reached.
    public func reach() throws {
        let file = open(path, O_CREAT | O_RDWR | O_APPEND, 0o600)
        _ = write(file, "x", 1)
        let count = lseek(file, 0, SEEK_END)
        close(file)
        if count <= times { try fault.happen() }
    }
}

/// Says whether this is a worker, where values make trouble. Written before anything else runs.
nonisolated(unsafe) public var isFaultyWorker = false

/// A value that makes trouble when a worker decodes it.
public struct FaultyArgument: Codable, Sendable {
    let plan: FaultPlan
    public init(_ plan: FaultPlan) { self.plan = plan }

    public init(from decoder: any Decoder) throws {
        plan = try decoder.singleValueContainer().decode(FaultPlan.self)
        if isFaultyWorker { try plan.reach() }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(plan)
    }
}

/// A value that makes trouble when a worker encodes it, or when the pool decodes it.
public struct FaultyResult: Codable, Sendable {
    let plan: FaultPlan
    let isInPool: Bool

    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        plan = try container.decode(FaultPlan.self)
        isInPool = try container.decode(Bool.self)
        if isInPool, !isFaultyWorker { try plan.reach() }
    }

    init(plan: FaultPlan, isInPool: Bool) {
        self.plan = plan
        self.isInPool = isInPool
    }

    public func encode(to encoder: any Encoder) throws {
        if !isInPool, isFaultyWorker { try plan.reach() }
        var container = encoder.unkeyedContainer()
        try container.encode(plan)
        try container.encode(isInPool)
    }
}

/// When a fault in another thread of a worker happens.
public enum FaultMoment: String, Codable, Sendable {
    /// The pool is writing much to the worker.
    case reading
    /// The worker is writing much to the pool.
    case writing
    /// The pool is copying much into the worker's memory.
    case putting
    /// The pool is copying much from the worker's memory.
    case lending
    /// The worker has told its last answer, and waits for the next call.
    case idle
    /// The worker is ending.
    case ending
}

/// Trouble of one kind each.
public let takeFaulty = Callable("take_faulty") { (argument: FaultyArgument) -> Int in 1 }
public let runFaulty = Callable("run_faulty") { (plan: FaultPlan) -> Int in
    try plan.reach()
    return 1
}.throwing(Refused.self)
public let makeFaulty = Callable("make_faulty") { (plan: FaultPlan, isInPool: Bool) -> FaultyResult in
    FaultyResult(plan: plan, isInPool: isInPool)
}
/// Waits for a file, then makes trouble.
public let runFaultyLater = Callable("run_faulty_later") { (plan: FaultPlan, runs: String, go: String) -> Int in
    close(open(runs, O_CREAT | O_WRONLY, 0o600))
    while access(go, F_OK) != 0 { usleep(1_000) }
    try plan.reach()
    return 1
}.throwing(Refused.self)
/// Prepares trouble for a moment to come.
public let armFault = Callable("arm_fault") { (plan: FaultPlan, moment: FaultMoment) -> Int in
    arm(plan, moment)
    return 1
}
/// So many bytes; trouble while they are written.
public let writeFaulty = Callable("write_faulty") { (plan: FaultPlan, count: Int) -> [UInt8] in
    arm(plan, .writing)
    return [UInt8](repeating: 1, count: count)
}
/// The same, while they are copied from the worker's memory.
public let lendFaulty = Callable("lend_faulty") { (plan: FaultPlan, count: Int) -> [UInt8] in
    let bytes = [UInt8](repeating: 1, count: count)
    arm(plan, .lending)
    return bytes
}
public let countBytes = Callable("count_bytes") { (bytes: [UInt8]) -> Int in bytes.count }

public let faultFunctions = FunctionRegistry {
    takeFaulty
    runFaulty
    makeFaulty
    runFaultyLater
    armFault
    writeFaulty
    lendFaulty
    countBytes
    increment
    processID
    meet
}

private func arm(_ plan: FaultPlan, _ moment: FaultMoment) {
    if moment == .ending {
        armedAtEnd = plan
        atexit { try? armedAtEnd?.reach() }
        return
    }
    let context = Unmanaged.passRetained(Armed(plan: plan, moment: moment))
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { context in
            let armed = Unmanaged<Armed>.fromOpaque(context!).takeRetainedValue()
            armed.wait()
            try? armed.plan.reach()
            return nil
        }, context.toOpaque())
    pthread_detach(thread)
}

nonisolated(unsafe) private var armedAtEnd: FaultPlan?

private final class Armed {
    let plan: FaultPlan
    let moment: FaultMoment

    init(plan: FaultPlan, moment: FaultMoment) {
        self.plan = plan
        self.moment = moment
    }

    func wait() {
        switch moment {
        case .reading: while bytes(in: 3) < 100_000 { usleep(50) }
        case .writing: while bytes(in: 4) < 100_000 { usleep(50) }
        // There is room for them.
        case .putting:
            let before = addresses
            while addresses < before + 80 << 20 { usleep(50) }
        // The main thread waits for the pool to say that it has them; or for the next call, with all answers written.
        case .lending, .idle: while !mainThreadReads { usleep(50) }
        case .ending: break
        }
    }

    /// How many bytes of addresses the process has.
    private var addresses: Int {
        (line(of: "/proc/self/statm").split(separator: " ").first.flatMap { Int($0) } ?? 0) * 4096
    }

    /// Whether the main thread waits for bytes of the wire: it is in the system call 0 on x86-64, 63 on arm64, with descriptor 3.
    private var mainThreadReads: Bool {
        let fields = line(of: "/proc/self/task/\(getpid())/syscall").split(separator: " ")
        return fields.count > 1 && (fields[0] == "0" || fields[0] == "63") && fields[1] == "0x3"
    }

    private func line(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return "" }
        return String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// How much is in a pipe.
    private func bytes(in descriptor: Int32) -> Int32 {
        var count: Int32 = 0
        _ = ioctl(descriptor, UInt(FIONREAD), &count)
        return count
    }
}
