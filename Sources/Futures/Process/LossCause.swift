import Glibc

/// Why a worker process ended, as far as that can be known: what to do about it differs.
public enum LossCause: Sendable, Hashable, CustomStringConvertible {
    /// How memory was found to have run out.
    public enum OutOfMemory: Sendable, Hashable {
        /// The kernel killed the process, because its control group's memory, or the machine's, was used up. The worker
        /// may not be the one that took it.
        case killedByKernel
        /// The process was refused memory, and ended itself: by its ``WorkerLimits/addressSpace``, or because it asked
        /// for more than there could be.
        case allocationFailed
        /// The pool killed it, because it had more than its ``WorkerLimits/residentMemory``.
        case residentMemory
    }

    /// The code that ran did it: a trap, a `fatalError`, an `abort`, an access to memory that is not there.
    case crash
    /// The code that ran ended the process, with `exit` or the like.
    case exit
    /// Memory ran out.
    case outOfMemory(OutOfMemory)
    /// It computed for longer than its ``WorkerLimits/processorTime``, or another limit of that kind.
    case processorTime
    /// Somebody else sent it a signal that ends a process, such as SIGKILL or SIGTERM. It may have been the process
    /// itself.
    case signal
    /// It is not known how it ended: see ``TerminationStatus/unknown``.
    case unknown

    /// What happened, in a clause: "it crashed", "it ran out of memory: an allocation failed".
    public var description: String {
        switch self {
        case .crash: "it crashed"
        case .exit: "it exited"
        case .outOfMemory(.killedByKernel):
            "memory ran out: the kernel killed it, since its control group or the machine had no more"
        case .outOfMemory(.allocationFailed): "it ran out of memory: an allocation failed"
        case .outOfMemory(.residentMemory):
            "it ran out of memory: it had more than workerLimits.residentMemory, and the pool killed it"
        case .processorTime: "its processor time was used up"
        case .signal: "somebody sent it a signal"
        case .unknown: "why is not known"
        }
    }

    /// Tells why a worker ended that the pool did not kill.
    ///
    /// - Parameters:
    ///   - status: how it ended.
    ///   - processorTime: how long it has computed in all; nil if not known.
    ///   - standardErrorTail: the end of what it wrote to its standard error, as ``ErrorTail`` gives it.
    ///   - limits: what it was allowed to take.
    ///   - wasKilledForMemory: whether one of those that the kernel has killed was it; asked of one that was killed.
    static func classify(
        _ status: TerminationStatus, processorTime: Duration? = nil, standardErrorTail: String,
        limits: WorkerLimits = .none, wasKilledForMemory: () -> Bool
    ) -> LossCause {
        switch status {
        case .unknown: return .unknown
        case .exited(0): return .exit
        case .exited:
            return saysThatMemoryRanOut(standardErrorTail, limits) ? .outOfMemory(.allocationFailed) : .exit
        case .signaled(SIGXCPU, _): return .processorTime
        case .signaled(SIGKILL, _):
            if wasKilledForMemory() { return .outOfMemory(.killedByKernel) }
            // The kernel compares the limit with time in ticks, which on a busy machine may be a third more than what
            // it reports in the end.
            if let limit = limits.processorSeconds, let processorTime, processorTime * 3 >= .seconds(limit) * 2 {
                return .processorTime
            }
            return .signal
        case .signaled(SIGABRT, _), .signaled(SIGILL, _), .signaled(SIGTRAP, _):
            return saysThatMemoryRanOut(standardErrorTail, limits) ? .outOfMemory(.allocationFailed) : .crash
        case .signaled(SIGSEGV, _), .signaled(SIGBUS, _), .signaled(SIGFPE, _), .signaled(SIGSYS, _): return .crash
        case .signaled: return .signal
        }
    }

    /// Whether a process that ended itself wrote that it was refused memory.
    private static func saysThatMemoryRanOut(_ text: String, _ limits: WorkerLimits) -> Bool {
        for line in text.split(whereSeparator: \.isNewline) {
            // Swift 6.3's runtime, in any build; the C++ library's, GNU's and LLVM's, about an exception that nobody
            // catches.
            if line.hasPrefix("Fatal error: failed to allocate ") && line.contains(" bytes of memory") { return true }
            if line.hasPrefix("terminate called after throwing an instance of 'std::bad_alloc'") { return true }
            if line.hasPrefix("libc++abi: terminating ") && line.contains("std::bad_alloc") { return true }
            // What C programs write is theirs, and may be about anything; with a limit it is about the limit.
            if limits.addressSpace != nil, line.contains("Cannot allocate memory") || line.contains("ut of memory") {
                return true
            }
        }
        return false
    }
}
