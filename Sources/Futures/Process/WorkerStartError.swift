import Glibc

/// A worker process could not be started, or did not become one that can be used.
public struct WorkerStartError: Error, Sendable, CustomStringConvertible {
    /// What went wrong.
    public enum Reason: Sendable {
        /// The executable is missing or may not be run; the number is one of errno(3).
        case cannotRun(errno: Int32)
        /// The path names something else than a file.
        case notAFile
        /// It ended before its handshake was over.
        case ended(TerminationStatus)
        /// This very process was started as a worker, and makes a pool instead of serving.
        case isItselfAWorker
        /// It ended while it ran the pool's initializer.
        case endedInInitializer(TerminationStatus)
        /// It wrote something that is not the wire's protocol.
        case notTheProtocol(String)
        /// It did so while it ran the pool's initializer.
        case notTheProtocolInInitializer(String)
        /// It speaks only other versions of the wire.
        case version(ours: ClosedRange<UInt32>, theirs: UInt32)
        /// It refused to serve, with its own words.
        case refused(String)
        /// Its handshake was not over in time.
        case timedOut(Duration)
        /// It was not done with the pool's initializer in time.
        case timedOutInInitializer(Duration)
        /// It had more than its ``WorkerLimits/residentMemory``, so many bytes, before it was ready: as it came up, or in the
        /// pool's initializer. So the pool killed it.
        case tooMuchMemory(Int)
        /// One of its ``WorkerLimits`` could not be set; the number is one of errno(3).
        case cannotLimit(setting: String, errno: Int32)

        /// Whether the next start would fail in the same way. What ends early may do so for want of something that is there
        /// again in a moment.
        var isLasting: Bool {
            switch self {
            case .cannotRun, .notAFile, .isItselfAWorker, .notTheProtocol, .version, .refused, .timedOut,
                .timedOutInInitializer, .tooMuchMemory, .cannotLimit:
                true
            case .ended, .endedInInitializer, .notTheProtocolInInitializer: false
            }
        }
    }

    /// The program.
    public let command: WorkerCommand
    /// What went wrong.
    public let reason: Reason
    /// The process, if there was one.
    public let pid: Int32?
    /// The end of what it wrote to its standard error.
    public let standardError: String

    init(command: WorkerCommand, reason: Reason, pid: Int32? = nil, standardError: String = "") {
        self.command = command
        self.reason = reason
        self.pid = pid
        self.standardError = standardError
    }

    /// Which program, why it did not come up as a worker, and the end of its standard error.
    public var description: String {
        var text =
            command == .thisExecutable ? "this executable as a worker" : "the worker executable \(command.executable)"
        if let pid { text += " (pid \(pid))" }
        switch reason {
        case .cannotRun(let number):
            text += " cannot be run: \(String(cString: strerror(number)))"
        case .notAFile:
            text += " cannot be run: it is not a file"
        case .ended(let status):
            text += " \(status) before its handshake; does its main call WorkerProcess.runIfSpawned first?"
        case .isItselfAWorker:
            return """
                this process was started as a worker, but makes a process pool of its own: call \
                WorkerProcess.runIfSpawned(registry) first in main, before anything else
                """
        case .endedInInitializer(let status):
            text += " \(status) while it ran the pool's initializer"
        case .notTheProtocol(let what):
            text += " does not speak the wire protocol: \(what)"
        case .notTheProtocolInInitializer(let what):
            text += " broke the rules of the wire while it ran the pool's initializer: \(what)"
        case .version(let ours, let theirs):
            text += """
                 speaks version \(theirs) of the wire, this side \
                \(ours.count == 1 ? "version \(ours.lowerBound)" : "versions \(ours.lowerBound) to \(ours.upperBound)"); \
                build both with the same release
                """
        case .refused(let words):
            text += " refused to serve: \(words)"
        case .cannotLimit(let setting, let number):
            text += " cannot be given its workerLimits.\(setting): \(String(cString: strerror(number)))"
            switch number {
            case EPERM: text += "; without privileges a worker can have no more than this program itself"
            case EINVAL where setting == "processors":
                text += "; the machine, or the cpuset of its control group, does not have all of them"
            default: break
            }
        case .timedOutInInitializer(let limit):
            text += " was not done with the pool's initializer within \(limit)"
        case .tooMuchMemory(let bytes):
            text += """
                 had \(bytes) bytes of memory before it was ready: more than workerLimits.residentMemory, so the pool killed it
                """
        case .timedOut(let limit):
            text +=
                " did not finish its handshake within \(limit); does its main call WorkerProcess.runIfSpawned first?"
        }
        if !standardError.isEmpty { text += "\nits standard error ends:\n\(standardError)" }
        return text
    }
}
