import Synchronization

/// A call whose outcome comes later, whatever its type: what all ``Future``s have in common.
///
/// A future is pending until a worker begins the call, then running, and ends cancelled or finished. It is pending again when
/// the call is to be run again (``WorkerLossPolicy``). Every method may be called from any thread. Futures hash and compare by
/// identity.
///
/// `@unchecked Sendable`: what changes is `word` (atomic), `links` (locked), and the outcome, which is written once, under the
/// lock of `links`, before `word` says that the future is done, and is read only after.
public class AnyFuture: @unchecked Sendable {
    /// The phase and its flags, see ``FutureWord``. Threads that wait sleep on it. Phases change under the lock only.
    final let word = Atomic<UInt32>(0)
    final let links: Mutex<FutureLinks>
    /// Where the outcome lies: a value's own type if the call returned, `any Error` if it failed. As a `Value?` a value would cost
    /// more than its own memory: code that is compiled for all types would look up what type that is in each of its steps.
    final var outcomeMemory: UnsafeMutableRawPointer?

    /// The function that the call is of; nil where it has no name.
    public final let functionName: String?

    init(owner: (any FutureOwner)?, ticket: UInt64, functionName: String?) {
        links = Mutex(FutureLinks(owner: owner, ticket: ticket))
        self.functionName = functionName
    }

    deinit {
        // A value is its subclass's to free.
        if let failureMemory {
            failureMemory.deinitialize(count: 1)
            failureMemory.deallocate()
        }
    }

    /// The type of the value, for the description.
    var valueType: Any.Type { Never.self }

    /// Has `callback` called with this future once it is done, however it ends.
    ///
    /// Callbacks run in the order in which they were added: in the thread that completes the future, be it a thread pool's
    /// or the one that cancels or shuts down; of a process pool's calls, but for `cancel()`, in its thread for callbacks. If
    /// the future is done already, `callback` runs at once in this thread, also while earlier callbacks are still running
    /// in another. No lock is held meanwhile: a callback may submit, cancel, wait, add callbacks and shut down. Waiters have
    /// been woken before. A slow callback delays the other callbacks of its thread, and where that is a thread pool's, the calls
    /// that the thread would run; it delays no result of other threads or worker processes.
    public func addDoneCallback(_ callback: @escaping @Sendable (AnyFuture) -> Void) { addCallback(callback) }

    final func addCallback(_ callback: @escaping @Sendable (AnyFuture) -> Void) {
        let isDone = links.withLock { links in
            if phase.isDone { return true }
            links.callbacks.append(callback)
            return false
        }
        if isDone { callback(self) }
    }
}

/// What a future knows of others. Guarded by the future's lock.
struct FutureLinks: ~Copyable, Sendable {
    var owner: (any FutureOwner)?
    var ticket: UInt64
    var observers = CompletionObserverList()
    var callbacks: [@Sendable (AnyFuture) -> Void] = []

    init(owner: (any FutureOwner)?, ticket: UInt64) {
        self.owner = owner
        self.ticket = ticket
    }
}

// MARK: - Asking

extension AnyFuture {
    final var phase: FuturePhase { FutureWord(bits: word.load(ordering: .acquiring)).phase }

    /// What the call threw; nil if it has not failed.
    final var failure: (any Error)? { failureMemory?.pointee }

    private final var failureMemory: UnsafeMutablePointer<any Error>? {
        phase == .failed ? outcomeMemory?.assumingMemoryBound(to: (any Error).self) : nil
    }

    /// Where the future stands at this moment.
    public final var state: FutureState { phase.state }

    /// Whether a worker has begun the call and has not finished it.
    public final var isRunning: Bool { phase == .running }

    /// Whether the call was cancelled.
    public final var isCancelled: Bool { phase.state == .cancelled }

    /// Whether the call is over: finished or cancelled.
    public final var isDone: Bool { phase.isDone }
}

extension AnyFuture: Hashable, CustomStringConvertible {
    /// Whether both are the same future; what has become of them does not matter.
    public static func == (left: AnyFuture, right: AnyFuture) -> Bool { left === right }

    /// Takes in the future's identity.
    public final func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    /// The function's name, the state and, when finished, the type of the value or error.
    public final var description: String {
        let name = functionName.map { " of \"\($0)\"" } ?? ""
        switch phase {
        case .returned: return "<Future\(name): finished, returned \(valueType)>"
        case .failed: return "<Future\(name): finished, threw \(failure.map { "\(type(of: $0))" } ?? "")>"
        case let phase: return "<Future\(name): \(phase.state)>"
        }
    }
}

// MARK: - Completing

extension AnyFuture {
    /// What is left to do, outside the lock, when a future has become done.
    struct Aftermath: ~Copyable {
        var hasSleepers = false
        var observers = CompletionObserverList()
        var callbacks: [@Sendable (AnyFuture) -> Void] = []
        /// Released with the rest, since that may end the owner's life.
        var owner: (any FutureOwner)?

        var concernsNobody: Bool { !hasSleepers && observers.isEmpty && callbacks.isEmpty }
    }

    /// Makes the future done; the outcome is stored already. Under the lock.
    final func publish(_ phase: FuturePhase, _ links: inout FutureLinks) -> Aftermath {
        let old = FutureWord(bits: word.exchange(phase.rawValue, ordering: .acquiringAndReleasing))
        var aftermath = Aftermath()
        aftermath.hasSleepers = old.hasSleepers
        aftermath.observers = links.observers.takeAll()
        swap(&aftermath.callbacks, &links.callbacks)
        swap(&aftermath.owner, &links.owner)
        return aftermath
    }

    final func notifyWaiters(_ aftermath: inout Aftermath) {
        if aftermath.hasSleepers { word.wakeAll() }
        let failed = phase == .failed
        while let observer = aftermath.observers.popFirst() { observer.futureCompleted(failed: failed) }
    }

    /// - Parameter byOwner: whether the future's owner has ended it, and not somebody who uses it.
    final func runCallbacks(_ aftermath: inout Aftermath, byOwner: Bool) {
        if aftermath.callbacks.isEmpty { return }
        let callbacks = aftermath.callbacks
        guard let owner = aftermath.owner else { return runCallbacks(callbacks) }
        owner.runCallbacks(endedByOwner: byOwner) { self.runCallbacks(callbacks) }
    }

    private final func runCallbacks(_ callbacks: [@Sendable (AnyFuture) -> Void]) {
        for callback in callbacks { callback(self) }
    }

    /// Ends the call if it is pending, or running and that is allowed. Nobody has been told then.
    ///
    /// - Returns: nil if it is done already, or runs.
    @inline(__always)
    final func end(as phase: FuturePhase, alsoWhenRunning: Bool, _ store: () -> Void) -> Aftermath? {
        var aftermath: Aftermath?
        links.withLock { links in
            let current = FutureWord(bits: word.load(ordering: .relaxed)).phase
            guard current == .pending || (alsoWhenRunning && current == .running) else { return }
            store()
            aftermath = publish(phase, &links)
        }
        return aftermath
    }

    /// Keeps the outcome, once, before the phase says that there is one.
    @inline(__always)
    final func store<Outcome>(_ outcome: Outcome, as _: Outcome.Type) {
        let memory = UnsafeMutablePointer<Outcome>.allocate(capacity: 1)
        memory.initialize(to: outcome)
        outcomeMemory = UnsafeMutableRawPointer(memory)
    }

    final func endFailed(_ error: any Error) -> Aftermath? {
        var error = error
        if var timeout = error as? TimeoutError {
            timeout.source = .task
            error = timeout
        }
        return end(as: .failed, alsoWhenRunning: true) { store(error, as: (any Error).self) }
    }

    /// Tells everybody that the call has ended.
    ///
    /// - Returns: false for nothing, what ending returns when it was refused.
    final func tell(_ aftermath: consuming Aftermath?) -> Bool {
        guard var aftermath else { return false }
        notifyWaiters(&aftermath)
        runCallbacks(&aftermath, byOwner: false)
        return true
    }

    /// Ends the call with an error. For whoever made the future: an executor, a test, an adapter.
    ///
    /// - Throws: ``InvalidStateError`` if the future is cancelled or finished; its first outcome stays.
    public final func setException(_ error: any Error) throws(InvalidStateError) {
        if !fail(error) {
            throw InvalidStateError(operation: "setException", phase: phase, functionName: functionName)
        }
    }

    /// Marks a pending call as running, or finds that it was cancelled. For whoever made the future.
    ///
    /// - Returns: true if the call is running now; false if it was cancelled and must not be begun.
    /// - Throws: ``InvalidStateError`` if the call is running or finished, or has been found cancelled before.
    public final func setRunningOrNotifyCancel() throws(InvalidStateError) -> Bool {
        let (refusal, runs) = links.withLock { _ -> (FuturePhase?, Bool) in
            switch phase {
            case .pending:
                change { _ in FuturePhase.running.rawValue }
                return (nil, true)
            case .cancelled:
                change { _ in FuturePhase.cancelledAndNotified.rawValue }
                return (nil, false)
            case let other:
                return (other, false)
            }
        }
        if let refusal {
            throw InvalidStateError(
                operation: "setRunningOrNotifyCancel", phase: refusal, functionName: functionName)
        }
        return runs
    }
}

// MARK: - For the owner

extension AnyFuture {
    /// Says whose task the future stands for, where that is known only after the future was made.
    ///
    /// For a future that no user has seen yet. One that is done already does not keep the owner.
    package final func attach(owner: any FutureOwner, ticket: UInt64) {
        links.withLock { links in
            guard !phase.isDone else { return }
            links.owner = owner
            links.ticket = ticket
        }
    }

    /// Changes phase and flags, but for the sleepers' flag, which threads set without the lock. Under the lock.
    final func change(_ next: (FutureWord) -> UInt32) {
        var old = word.load(ordering: .relaxed)
        while true {
            let new = next(FutureWord(bits: old)) | (old & FutureWord.hasSleepers)
            let (exchanged, original) = word.weakCompareExchange(
                expected: old, desired: new, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
            if exchanged { return }
            old = original
        }
    }

    /// The task goes to a worker that may not begin it yet. The future stays pending.
    ///
    /// - Returns: false if the call was cancelled meanwhile, which is then notified, or is done: do not send it.
    package final func markSent() -> Bool { leavePending { _ in FutureWord.sent } }

    /// A worker begins the task at once: ``markSent()`` and ``markRunning()`` in one step.
    ///
    /// - Returns: false if the call was cancelled meanwhile, which is then notified, or is done: do not begin it.
    package final func markStarted() -> Bool { leavePending { _ in FuturePhase.running.rawValue } }

    private final func leavePending(_ next: (FutureWord) -> UInt32) -> Bool {
        links.withLock { _ in
            switch phase {
            case .pending:
                change(next)
                return true
            case .cancelled:
                change { _ in FuturePhase.cancelledAndNotified.rawValue }
                return false
            default:
                return false
            }
        }
    }

    /// The task is no longer with a worker: it was taken back, or is to be run again. The future is pending.
    package final func markUnsent() {
        links.withLock { _ in
            if !phase.isDone { change { _ in FuturePhase.pending.rawValue } }
        }
    }

    /// A worker has begun the task. Does nothing for a future that runs already or is done.
    package final func markRunning() {
        links.withLock { _ in
            if phase == .pending { change { _ in FuturePhase.running.rawValue } }
        }
    }

    /// Ends the call with an error.
    ///
    /// - Returns: false if it is done already.
    @discardableResult
    package final func fail(_ error: any Error) -> Bool { tell(endFailed(error)) }

    /// Cancels a pending call, sent or not, without asking the owner; also a running one, if that was ended.
    ///
    /// - Returns: whether this call cancelled it.
    @discardableResult
    package final func cancelByOwner(alsoWhenRunning: Bool = false) -> Bool {
        tell(end(as: .cancelledAndNotified, alsoWhenRunning: alsoWhenRunning) {})
    }
}
