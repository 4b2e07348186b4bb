import Synchronization

/// One suspension of one task, ended by whoever comes first: a wake, the deadline, or the task's cancellation.
final class SleepingTask: Sendable {
    private enum State {
        /// Not suspended yet. Can become asleep, woken.
        case awake
        /// Suspended. Can become woken.
        case asleep(UnsafeContinuation<Void, Never>)
        case woken
    }

    private let state = Mutex(State.awake)

    /// Ends the suspension, also one that has not begun. Any thread, any number of times.
    func wake() {
        let continuation = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            defer { state = .woken }
            if case .asleep(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }

    /// Suspends the task; to be called once. Why it went on is for the caller to find out.
    nonisolated(nonsending) func sleep(until deadline: Deadline) async {
        let alarm = deadline.isNever ? nil : Task.detached { await self.wake(at: deadline) }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isWoken = state.withLock { state in
                    if case .woken = state { return true }
                    state = .asleep(continuation)
                    return false
                }
                if isWoken { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        alarm?.cancel()
    }

    private func wake(at deadline: Deadline) async {
        while let left = deadline.remainingNanoseconds, left > 0 {
            do { try await Task.sleep(nanoseconds: UInt64(left)) } catch { return }
        }
        wake()
    }
}
