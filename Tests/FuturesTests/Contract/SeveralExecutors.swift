import Futures
import TestSupport
import Testing

/// Runs a test with several executors, shuts them down, and shows that nothing is left.
func withExecutors<R>(
    _ kinds: [ExecutorKind], maxWorkers: Int = 2, _ body: ([any Executor]) throws -> R,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> R {
    try Leftovers.check(
        {
            let executors = try kinds.map { try $0.make(maxWorkers: maxWorkers) }
            defer { for executor in executors { executor.shutdown() } }
            return try body(executors)
        }, sourceLocation: sourceLocation)
}

extension ExecutorKind {
    /// Those that take closures.
    static let local: [ExecutorKind] = [.inline, .threads]
}
