internal import CProto
import Glibc
import Synchronization

/// Says since when the main thread is busy with a task, and lets the watcher sleep while it is not.
///
/// `state` is 0 while the main thread is idle, 1 while it is busy, 2 while it is idle and the watcher sleeps on the word.
/// A sleeping watcher is woken by the first task after it; then it looks every tick, so that a stream of short tasks
/// costs a store each and no system call.
final class BusyMark: Sendable {
    private let state = Atomic<UInt32>(0)
    private let beginning = Atomic<Int64>(0)

    private static let idle: UInt32 = 0
    private static let busy: UInt32 = 1
    private static let idleAndWatcherSleeps: UInt32 = 2

    func begin(at time: Int64) {
        beginning.store(time, ordering: .relaxed)
        let before = state.exchange(Self.busy, ordering: .acquiringAndReleasing)
        if before == Self.idleAndWatcherSleeps { state.wakeAll() }
    }

    func end() {
        state.store(Self.idle, ordering: .releasing)
    }

    /// When the running task began; nil if none runs.
    var since: Int64? {
        state.load(ordering: .acquiring) == Self.busy ? beginning.load(ordering: .relaxed) : nil
    }

    /// Sleeps until a task begins. The watcher's.
    func sleepUntilBusy() {
        while state.load(ordering: .acquiring) != Self.busy {
            _ = state.compareExchange(
                expected: Self.idle, desired: Self.idleAndWatcherSleeps, ordering: .acquiringAndReleasing)
            state.sleep(while: Self.idleAndWatcherSleeps, until: .never)
        }
    }
}

/// The worker's second thread: reads the wire while a task has been running for a while.
enum WorkerWatcher {
    /// How long a task runs before the watcher looks at the wire, and how often it looks: a parent that is gone, or a
    /// task that is wanted back, is noticed within this time.
    private static let tick: Int64 = 20_000_000

    static func start(_ session: WorkerSession) throws(WorkerSession.End) {
        let context = Unmanaged.passRetained(session)
        var thread: UInt = 0
        let result = futures_thread_start(
            &thread,
            { context in
                futures_thread_set_name("futures-watcher")
                WorkerWatcher.watch(Unmanaged<WorkerSession>.fromOpaque(context!).takeRetainedValue())
            }, context.toOpaque())
        guard result == 0 else {
            context.release()
            throw .failed("the watcher thread cannot be started: \(String(cString: strerror(result)))")
        }
        futures_thread_detach(thread)
    }

    /// Never ends; the process does.
    private static func watch(_ session: WorkerSession) -> Never {
        while true {
            session.busy.sleepUntilBusy()
            sleep()
            guard let since = session.busy.since, futures_monotonic_nanoseconds() - since >= tick else { continue }
            do throws(WorkerSession.End) {
                try session.flushWhatWaits()
                try session.readWhatIsThere()
            } catch {
                switch error {
                case .failed(let message): _exit(session.fail(message))
                case .parentGone, .drained: WorkerGroup.endAtOnce()
                }
            }
        }
    }

    private static func sleep() {
        var time = timespec(tv_sec: 0, tv_nsec: Int(tick))
        nanosleep(&time, nil)
    }
}
