import Futures
import Glibc

// Callables about ends: of processes, of values, and of calls that fail.

/// Handles SIGTERM from now on: the handler makes a file, and ends the process. Tells in another file that it is
/// ready, and waits.
public let handleTermination = Callable("handle_termination") { (own: String, mark: String) -> Int in
    // Made before the handler needs it.
    terminationMark = strdup(mark)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
        if let path = terminationMark { close(open(path, O_CREAT | O_WRONLY, 0o600)) }
        _exit(0)
    }
    sigaction(SIGTERM, &action, nil)
    close(open(own, O_CREAT | O_WRONLY, 0o600))
    while true { usleep(10_000) }
}
/// Written before the handler is there, read by it.
nonisolated(unsafe) private var terminationMark: UnsafeMutablePointer<CChar>?

/// Tells in a file that it is let go of, where a function of a worker has asked for that: not in the process that it
/// comes from, or goes to.
public final class Parting: Codable, Sendable {
    /// The file.
    public let path: String
    private let isArmed = Mutex(false)

    /// One that tells nothing yet.
    public init(_ path: String) { self.path = path }

    /// A copy that arrived tells nothing yet.
    public init(from decoder: any Decoder) throws { path = try decoder.singleValueContainer().decode(String.self) }

    /// The path is all that travels.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(path)
    }

    func arm() { isArmed.withLock { $0 = true } }

    deinit { if isArmed.withLock({ $0 }) { close(open(path, O_CREAT | O_WRONLY, 0o600)) } }
}
/// Lets go of its argument, which tells, and gives its process.
public let takeParting = Callable("take_parting") { (value: Parting) -> Int in
    value.arm()
    return Int(getpid())
}
/// A result that tells when it is let go of here.
public let makeParting = Callable("make_parting") { (path: String) -> Parting in
    let value = Parting(path)
    value.arm()
    return value
}

/// An error that travels as itself, unless it fails at one of the two places on its way.
public struct FragileError: Error, Codable, Equatable, CustomStringConvertible {
    /// Where it fails.
    public enum Fault: String, Codable, Sendable { case none, encoding, decoding }
    /// Where this one fails.
    public let fault: Fault
    /// An error that fails there.
    public init(_ fault: Fault) { self.fault = fault }

    struct Broken: Error {}

    /// In words.
    public var description: String { "a fragile error: \(fault.rawValue)" }

    /// Throws where the error says so.
    public init(from decoder: any Decoder) throws {
        fault = try decoder.singleValueContainer().decode(Fault.self)
        if fault == .decoding { throw Broken() }
    }

    /// Throws where the error says so.
    public func encode(to encoder: any Encoder) throws {
        if fault == .encoding { throw Broken() }
        var container = encoder.singleValueContainer()
        try container.encode(fault)
    }
}
/// Throws a ``FragileError``, by the fault's name; without a name it gives its process.
public let throwFragile = Callable("throw_fragile") { (fault: String) throws -> Int in
    if let fault = FragileError.Fault(rawValue: fault) { throw FragileError(fault) }
    return Int(getpid())
}.throwing(FragileError.self)

/// An error that says one thing to everybody, and another to who looks closely.
public struct TwoFaced: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// To everybody.
    public var description: String { "what everybody may know" }
    /// To who looks closely.
    public var debugDescription: String { "what it was in truth" }
}
/// Throws ``TwoFaced``.
public let throwTwoFaced = Callable("throw_two_faced") { () -> Int in throw TwoFaced() }
/// Throws one of two errors that travel as themselves, for 1 and 2, and one that does not, for 3; for others it gives
/// its process.
public let throwEither = Callable("throw_either") { (which: Int) throws -> Int in
    switch which {
    case 1: throw Refused(code: which)
    case 2: throw FragileError(.none)
    case 3: throw TwoFaced()
    default: return Int(getpid())
    }
}.throwing(Refused.self).throwing(FragileError.self)

/// For initializers: throws ``Refused`` when a file is there.
public let failWhenThere = Callable("fail_when_there") { (path: String) throws -> Void in
    while access(path, F_OK) != 0 { usleep(1_000) }
    throw Refused(code: 1)
}.throwing(Refused.self)

let endFunctions = FunctionRegistry {
    handleTermination
    takeParting
    makeParting
    throwFragile
    throwTwoFaced
    throwEither
    failWhenThere
}
