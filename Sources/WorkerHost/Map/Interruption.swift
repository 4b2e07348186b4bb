import Glibc

import struct Synchronization.Atomic

/// Ctrl-C and its relatives: the first asks the run to end, the second ends the program.
final class Interruption: Sendable {
    private let received = Atomic<Int32>(0)

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

    /// Waits for the signals in a thread of its own, as long as the program runs.
    ///
    /// - Parameter body: called at the first, in that thread.
    func watch(_ set: sigset_t, _ body: @escaping @Sendable () -> Void) {
        let waiting = Waiting(set: set, interruption: self, body: body)
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
        let body: @Sendable () -> Void

        init(set: sigset_t, interruption: Interruption, body: @escaping @Sendable () -> Void) {
            self.set = set
            self.interruption = interruption
            self.body = body
        }

        func run() {
            var set = set
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { continue }
                let (isFirst, _) = interruption.received.compareExchange(
                    expected: 0, desired: number, ordering: .acquiringAndReleasing)
                guard isFirst else { endBySignal(number) }
                body()
            }
        }
    }
}
