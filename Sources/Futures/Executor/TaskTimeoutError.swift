/// A call, or an element of a map, took longer than it was allowed to run. Not to be taken for ``TimeoutError``, which is about
/// a wait.
public struct TaskTimeoutError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which of its limits it reached.
    public enum Kind: Sendable, Hashable {
        /// It was asked to end, and did: by throwing `CancellationError`.
        case soft
        /// Its worker process was ended.
        case hard
    }

    /// Which limit it reached.
    public let kind: Kind
    /// How long it was allowed to run.
    public let limit: Duration
    /// The function.
    public let functionName: String
    /// The element that took so long, where the call was a chunk of a map: its index within the chunk, from 0.
    public let element: Int?
    /// Which execution of the call it was, from 1; 0 where that is not known.
    public let attempt: Int
    /// The worker's process id.
    public let processID: Int32

    package init(
        _ kind: Kind, limit: Duration, functionName: String, element: Int? = nil, attempt: Int = 0, processID: Int32
    ) {
        self.kind = kind
        self.limit = limit
        self.functionName = functionName
        self.element = element
        self.attempt = attempt
        self.processID = processID
    }

    /// Which call took longer than what, and what was done about it.
    public var description: String {
        let what = element.map { "element \($0) of a chunk of " } ?? ""
        let which = attempt > 0 ? " (attempt \(attempt))" : ""
        let text = "\(what)\(callText(functionName))\(which) ran longer than its"
        switch kind {
        case .soft:
            return "\(text) soft timeout of \(limit) and ended when it was asked to, in worker process \(processID)"
        case .hard: return "\(text) hard timeout of \(limit); worker process \(processID) was ended"
        }
    }
}
