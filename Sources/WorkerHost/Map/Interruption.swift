import Futures
import Glibc

import struct Synchronization.Atomic

/// Ctrl-C and its relatives: the first asks the run to end, the second ends the program; so does the first if that takes longer
/// than a moment, since a run may wait for input that does not come, or for somebody to read its output.
final class Interruption: Sendable {
    private static let patience = Duration.seconds(1)
    /// Once what is left to do is to write down what happened: a disk may be slow.
    private static let patienceWithFiles = Duration.seconds(10)

    private let isWritingDown = Atomic<Bool>(false)
    private let received = Atomic<Int32>(0)
    private let bodies = Mutex<[@Sendable () -> Void]>([])
    private let signals: sigset_t

    /// To be made before there are other threads, since it blocks the signals for them.
    init() { signals = Self.block() }

    /// The signal that came; nil if none did.
    var signal: Int32? {
        let number = received.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// What happened, for people; nil if nothing did.
    var name: String? {
        signal.map {
            "interrupted by \([SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"][$0] ?? "signal \($0)")"
        }
    }

    /// The signals, but for those that were ignored when the program began: it is to go on in the background of a script.
    private static func block() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var before = sigaction()
            sigaction(number, nil, &before)
            let isIgnored =
                unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self)
                == unsafeBitCast(SIG_IGN, to: Int.self)
            if !isIgnored { sigaddset(&set, number) }
        }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return set
    }

    /// Has a closure called at the first signal, too, in another thread; at once, if that has come. With none it ends the program.
    func call(_ body: @escaping @Sendable () -> Void) {
        let isLate = bodies.withLock { bodies in
            bodies.append(body)
            return signal != nil
        }
        if isLate { body() }
    }

    /// Nobody is waited for any more, but for the disk.
    func writesDown() { isWritingDown.store(true, ordering: .releasing) }

    /// Waits for the signals in a thread of its own, as long as the program runs.
    func watch() {
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Interruption>.fromOpaque(context!).takeRetainedValue().wait()
            }, Unmanaged.passRetained(self).toOpaque())
        if result == 0 { pthread_detach(thread) }
    }

    private var patience: Duration {
        isWritingDown.load(ordering: .acquiring) ? Self.patienceWithFiles : Self.patience
    }

    private func wait() -> Never {
        var signals = signals
        var number: Int32 = 0
        while sigwait(&signals, &number) != 0 {}
        let bodies = bodies.withLock { bodies in
            if !bodies.isEmpty { received.store(number, ordering: .releasing) }
            return bodies
        }
        if bodies.isEmpty { endBySignal(number) }
        for body in bodies { body() }
        // The ends of the workers interrupt the wait, too.
        let begin = ContinuousClock.now
        while case let left = patience - begin.duration(to: .now), left > .zero {
            var time = timespec(tv_sec: 0, tv_nsec: min(Int(left / .nanoseconds(1)), 999_999_999))
            let next = sigtimedwait(&signals, nil, &time)
            if next > 0 { endBySignal(next) }
        }
        endBySignal(number)
    }
}
