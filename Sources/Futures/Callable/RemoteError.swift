import Wire

/// An error that a callable threw in a worker process, told in words: its type does not travel.
///
/// Name an error type with ``Callable/throwing(_:)`` and it arrives as itself instead.
public struct RemoteError: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The error's type, with its module.
    public let typeName: String
    /// The error as `String(describing:)` gave it in the worker.
    public let message: String
    /// The error as `String(reflecting:)` gave it in the worker.
    public let detail: String
    /// The function that threw.
    public let functionName: String
    /// The process id of the worker.
    public let pid: Int32
    /// Where it was thrown, innermost first; empty if the worker did not record it.
    public let backtrace: [String]

    /// The function, and the error's type and message.
    public var description: String { "\"\(functionName)\" threw \(typeName): \(message)" }

    /// All that the worker told: its process id, the detail and the backtrace, too.
    public var debugDescription: String {
        var text = "\"\(functionName)\" threw \(typeName) in worker process \(pid): \(detail)"
        for line in backtrace { text += "\n  \(line)" }
        return text
    }
}

/// Arguments, a result or an error could not cross between the processes. Only this call has failed: the worker and the
/// pool live on.
public struct TransportError: Error, Sendable, CustomStringConvertible {
    /// On which of the steps it failed.
    public enum Place: Sendable, Hashable {
        /// In this process, before the call was submitted.
        case encodingArguments
        /// In the worker, before the function ran.
        case decodingArguments
        /// In the worker, after the function had returned.
        case encodingResult
        /// In this process, after the function had returned.
        case decodingResult
        /// In the worker, which did not accept the message.
        case refused
    }

    /// On which of the steps it failed.
    public let place: Place
    /// The function that was called.
    public let functionName: String
    /// What was wrong.
    public let message: String
    /// The error behind it, where it happened in this process.
    public let cause: (any Error)?
    private let isOfOwnBody: Bool

    init(_ place: Place, functionName: String, message: String) {
        self.place = place
        self.functionName = functionName
        self.message = message
        cause = nil
        isOfOwnBody = false
    }

    init(_ place: Place, functionName: String, cause: any Error, isOfOwnBody: Bool = false) {
        self.place = place
        self.functionName = functionName
        message = "\(cause)"
        self.cause = cause
        self.isOfOwnBody = isOfOwnBody
    }

    /// Does a step of a call's, of a body that does it itself.
    static func catching<R>(
        _ place: Place, functionName: String, _ body: () throws -> R
    ) throws(TransportError) -> R {
        do {
            return try body()
        } catch {
            throw TransportError(place, functionName: functionName, cause: error, isOfOwnBody: true)
        }
    }

    /// Where it happened, and why, if it comes from ``catching(_:functionName:_:)``: not from a pool that the user's function uses.
    var ofOwnBody: (place: FailureDescription.Place, cause: any Error)? {
        guard isOfOwnBody, let cause else { return nil }
        return (place == .encodingResult ? .encodingResult : .decodingArguments, cause)
    }

    /// On which step of which function's call it failed, and what was wrong.
    public var description: String {
        let what =
            switch place {
            case .encodingArguments: "the arguments of \"\(functionName)\" could not be encoded"
            case .decodingArguments: "the arguments of \"\(functionName)\" could not be decoded in the worker"
            case .encodingResult: "the result of \"\(functionName)\" could not be encoded in the worker"
            case .decodingResult: "the result of \"\(functionName)\" could not be decoded"
            case .refused: "the worker refused the call of \"\(functionName)\""
            }
        return "\(what): \(message)"
    }
}
