import Glibc

/// How a process ended.
public enum TerminationStatus: Sendable, Hashable, CustomStringConvertible {
    /// It called `exit` or returned from `main`.
    case exited(code: Int32)
    /// A signal ended it. A Swift trap is SIGILL or SIGTRAP, `fatalError` too.
    case signaled(signal: Int32, dumpedCore: Bool)
    /// It ended, and somebody else learned how: this program ignores SIGCHLD, or waits for all its children.
    case unknown

    /// What happened, to be read after the process's name: "exited with code 1", "was ended by signal 9 (SIGKILL)".
    public var description: String {
        switch self {
        case .exited(let code): return "exited with code \(code)"
        case .unknown: return "ended (how is unknown: the program ignores SIGCHLD, or waits for all its children)"
        case .signaled(let signal, let dumpedCore):
            return "was ended by signal \(signal) (\(Self.name(of: signal)))\(dumpedCore ? ", core dumped" : "")"
        }
    }

    private static func name(of signal: Int32) -> String {
        switch signal {
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGQUIT: "SIGQUIT"
        case SIGILL: "SIGILL, a Swift trap"
        case SIGTRAP: "SIGTRAP, a Swift trap"
        case SIGABRT: "SIGABRT"
        case SIGBUS: "SIGBUS"
        case SIGFPE: "SIGFPE"
        case SIGKILL: "SIGKILL"
        case SIGSEGV: "SIGSEGV"
        case SIGPIPE: "SIGPIPE"
        case SIGALRM: "SIGALRM"
        case SIGTERM: "SIGTERM"
        case SIGXCPU: "SIGXCPU"
        case SIGXFSZ: "SIGXFSZ"
        default: String(cString: strsignal(signal))
        }
    }
}
