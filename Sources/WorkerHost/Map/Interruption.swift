import Futures
import Glibc

import struct Synchronization.Atomic

/// Ctrl-C and its relatives: the first asks the run to end, the second ends the program; so does the first if that takes longer
/// than a moment, since a run may wait for input that does not come, or for somebody to read its output.
final class Interruption: Sendable {
    private static let patience = timespec(tv_sec: 1, tv_nsec: 0)

    private let received = Atomic<Int32>(0)
    private let body = Mutex<(@Sendable () -> Void)?>(nil)

    /// To be made before there are other threads, since it blocks the signals for them.
    init() {}

    /// The signal that came; nil if none did.
    var signal: Int32? {
        let number = received.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// The signals, but for those that were ignored when the program began: it is to go on in the background of a script.
    static func block() -> sigset_t {
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

    /// Has a closure called at the first signal, in another thread. Until then that ends the program.
    func call(_ body: @escaping @Sendable () -> Void) { self.body.withLock { $0 = body } }

    /// Waits for the signals in a thread of its own, as long as the program runs.
    func watch(_ set: sigset_t) {
        let waiting = Waiting(set: set, interruption: self)
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                let waiting = Unmanaged<Waiting>.fromOpaque(context!).takeRetainedValue()
                waiting.run()
                return nil
            }, Unmanaged.passRetained(waiting).toOpaque())
        if result == 0 { pthread_detach(thread) }
    }

    private final class Waiting: Sendable {
        let set: sigset_t
        let interruption: Interruption

        init(set: sigset_t, interruption: Interruption) {
            self.set = set
            self.interruption = interruption
        }

        func run() {
            var set = set
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { continue }
                guard let body = interruption.body.withLock({ $0 }) else { endBySignal(number) }
                interruption.received.store(number, ordering: .releasing)
                body()
                var patience = Interruption.patience
                let next = sigtimedwait(&set, nil, &patience)
                endBySignal(next > 0 ? next : number)
            }
        }
    }
}
