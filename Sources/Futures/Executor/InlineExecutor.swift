internal import CProto

/// Runs each call at its submission, in the thread that submits it: for tests, and to step through a program with a debugger.
///
/// It takes a pool's place without threads, processes or any order but the program's own. A future that it returns is done;
/// it was running while its call ran, and cannot be cancelled. Done callbacks run when they are added. A call that waits for
/// something which happens after its submission waits for ever.
///
/// From async code, too, a call blocks the thread until it is over, also an async one.
public final class InlineExecutor: LocalExecutor, MappingExecutor {
    private struct Calls {
        var isShutDown = false
        /// Threads in calls of this executor, with how deep they are in them.
        var depths: [UInt: Int] = [:]
    }

    private let calls = Mutex(Calls())
    private let ended = Signal()

    /// An executor that is ready at once.
    public init() {}

    /// Runs a closure in this thread, and returns when it is over.
    ///
    /// - Parameters:
    ///   - name: what the future's description and errors call the closure.
    ///   - options: the priority makes no difference, since nothing waits; time limits are refused.
    /// - Returns: a future that is done, also if the closure threw.
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; ``InvalidArgumentError`` for a time limit.
    public func submit<Output: Sendable>(
        name: String? = nil, options: CallOptions = CallOptions(), _ body: @escaping @Sendable () throws -> Output
    ) throws -> Future<Output> {
        try options.checkForThreads()
        let thread = futures_thread_self()
        let isShutDown = calls.withLock { calls in
            if calls.isShutDown { return true }
            calls.depths[thread, default: 0] += 1
            return false
        }
        if isShutDown { throw ExecutorShutdownError() }
        let future = Future<Output>(owner: nil, ticket: 0, functionName: name)
        future.run(body)
        calls.withLock { calls in
            let depth = calls.depths[thread] ?? 0
            calls.depths[thread] = depth > 1 ? depth - 1 : nil
        }
        ended.raise()
        return future
    }

    /// Takes no more calls.
    ///
    /// Called from one of its own calls it does not wait, as that could never end.
    ///
    /// - Parameters:
    ///   - wait: whether to wait for calls that other threads are in.
    ///   - cancelFutures: makes no difference, since nothing waits.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown(cancelFutures:)`")
    public func shutdown(wait: Bool = true, cancelFutures: Bool = false) {
        close()
        if !wait || isInOwnCall { return }
        while true {
            let seen = ended.count
            if isIdle { return }
            ended.sleep(since: seen, until: .never)
        }
    }

    /// Shuts down and suspends until other threads' calls are over, also when the awaiting task is cancelled.
    ///
    /// Called from one of its own calls it does not wait, as that could never end.
    public func shutdown(cancelFutures: Bool = false) async {
        close()
        // An async call runs in the thread that submitted it; the task below does not.
        if isInOwnCall { return }
        let termination = Task.detached {
            while true {
                let seen = self.ended.count
                if self.isIdle { return }
                await self.ended.sleep(since: seen, until: .never)
            }
        }
        await termination.value
    }

    private func close() { calls.withLock { $0.isShutDown = true } }

    private var isInOwnCall: Bool {
        let thread = futures_thread_self()
        return calls.withLock { $0.depths[thread] != nil }
    }

    /// Whether no thread is in a call.
    private var isIdle: Bool { calls.withLock { $0.depths.isEmpty } }
}
