internal import CProto
import Synchronization

/// A thread of a pool, or of a benchmark: started at its first work, joined by whoever waits for the pool's end.
package final class DriverThread: Sendable {
    private enum State {
        /// To `running`, `ended`.
        case unstarted
        /// To `joining`.
        case running(UInt)
        /// One thread joins it, others wait. To `ended`.
        case joining
        case ended
    }

    private let state = Mutex(State.unstarted)
    private let identity = Atomic<UInt>(0)
    private let hasStarted = Atomic<Bool>(false)
    private let joined = Future<Void>()

    private let name: String

    /// - Parameter name: Linux shows its first 15 bytes.
    package init(name: String) { self.name = name }

    var isCurrent: Bool { identity.load(ordering: .relaxed) == futures_thread_self() }

    /// Starts the thread unless it was started before.
    package func start(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        if hasStarted.load(ordering: .acquiring) { return }
        let result = state.withLock { state -> Int32 in
            guard case .unstarted = state else { return 0 }
            // A system call under the lock, once in a pool's life: nobody may find it half started.
            let box = Unmanaged.passRetained(ThreadBody(thread: self, body))
            var number: UInt = 0
            let result = futures_thread_start(
                &number, { Unmanaged<ThreadBody>.fromOpaque($0!).takeRetainedValue().run() }, box.toOpaque())
            if result == 0 {
                state = .running(number)
                hasStarted.store(true, ordering: .releasing)
            } else {
                box.release()
            }
            return result
        }
        if result != 0 { throw SystemError(call: "pthread_create", number: result, context: "starting a pool") }
    }

    /// Makes a thread that was not started one that never will be; false if it was started.
    func endUnstarted() -> Bool {
        state.withLock { state in
            guard case .unstarted = state else { return false }
            state = .ended
            return true
        }
    }

    /// Waits for the end of the thread; for one that never ran, not at all. Not for the thread itself.
    package func join() {
        let action = state.withLock { state -> (number: UInt?, waits: Bool) in
            switch state {
            case .unstarted, .ended: return (nil, false)
            case .running(let number):
                state = .joining
                return (number, false)
            case .joining: return (nil, true)
            }
        }
        if let number = action.number {
            futures_thread_join(number)
            state.withLock { $0 = .ended }
            joined.fulfil(())
        } else if action.waits {
            _ = joined.blockUntilDone(.never)
        }
    }

    /// Nobody will join: the thread's remains go with it.
    func detach() {
        let number = state.withLock { state -> UInt? in
            guard case .running(let number) = state else { return nil }
            state = .ended
            return number
        }
        if let number { futures_thread_detach(number) }
    }

    private final class ThreadBody {
        let thread: DriverThread
        let body: @Sendable () -> Void

        init(thread: DriverThread, _ body: @escaping @Sendable () -> Void) {
            self.thread = thread
            self.body = body
        }

        func run() {
            thread.identity.store(futures_thread_self(), ordering: .relaxed)
            futures_thread_set_name(thread.name)
            body()
        }
    }

    deinit { detach() }
}
