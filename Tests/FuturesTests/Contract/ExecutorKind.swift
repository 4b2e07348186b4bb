import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

/// The executors that the contract is for. What holds for "every executor" is tested with each.
enum ExecutorKind: String, CaseIterable, CustomTestStringConvertible {
    case inline, threads, processes

    /// Those whose calls can wait for a worker.
    static let pools: [ExecutorKind] = [.threads, .processes]

    var testDescription: String { rawValue }

    func make(maxWorkers: Int = 2, backlogLimit: BacklogLimit = .none) throws -> any Executor {
        switch self {
        case .inline: InlineExecutor()
        case .threads: try ThreadPoolExecutor(maxWorkers: maxWorkers, backlogLimit: backlogLimit)
        case .processes:
            try ProcessPoolExecutor(
                testRegistry, maxWorkers: maxWorkers, worker: BuildProducts.testWorker,
                options: ProcessPoolOptions(backlogLimit: backlogLimit))
        }
    }

    /// Runs a test with an executor, shuts it down, and shows that nothing is left.
    func withExecutor<R>(
        maxWorkers: Int = 2, backlogLimit: BacklogLimit = .none, _ body: (any Executor) throws -> R,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> R {
        try Leftovers.check(
            {
                let executor = try make(maxWorkers: maxWorkers, backlogLimit: backlogLimit)
                defer { executor.shutdown() }
                return try body(executor)
            }, sourceLocation: sourceLocation)
    }

    /// The same for async tests.
    func withExecutor<R>(
        maxWorkers: Int = 2, backlogLimit: BacklogLimit = .none, isolation: isolated (any Actor)? = #isolation,
        _ body: (any Executor) async throws -> R, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> R {
        try await Leftovers.check(
            {
                let executor = try make(maxWorkers: maxWorkers, backlogLimit: backlogLimit)
                do {
                    let result = try await body(executor)
                    await executor.shutdown()
                    return result
                } catch {
                    await executor.shutdown()
                    throw error
                }
            }, sourceLocation: sourceLocation)
    }
}

extension Result {
    /// The error, if it failed.
    var error: Failure? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}

/// Names the thread at hand.
func currentThread() -> UInt { UInt(pthread_self()) }

/// A call that has begun on a worker and goes on until it is let go, at the latest when nobody holds this any more: a test
/// that fails in between must not hang.
final class HeldWorker: Sendable {
    let future: Future<Int>
    /// The process that runs it.
    let worker: Int32
    private let folder = TemporaryFolder()

    /// Returns when the call has begun.
    init(_ executor: any Executor) throws {
        let future = try executor.submit(meet, folder.file("runs"), folder.file("go"))
        self.future = future
        worker = try folder.waitForProcess("runs")
        // The worker is ahead of the news about it.
        try spin { future.isRunning }
    }

    deinit {
        letGo()
        // The folder goes with this, and the call looks for a file in it.
        _ = wait([future], timeout: longTime)
    }

    func letGo() { folder.write("", to: "go") }
}
