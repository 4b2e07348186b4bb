internal import CProto

/// A point in time on the clock that blocking waits measure with (CLOCK_MONOTONIC), or never.
package struct Deadline: Sendable, Comparable {
    /// Nanoseconds of the monotonic clock; `Int64.max` means never.
    private let nanoseconds: Int64

    static let never = Deadline(nanoseconds: .max)

    private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// `timeout` from now. Nil waits for ever; zero or less has passed already; more than about 290 years is for ever.
    init(after timeout: Duration?) {
        guard let timeout else {
            self = .never
            return
        }
        let length = timeout.clampedNanoseconds
        guard length > 0 else {
            self.init(nanoseconds: .min)
            return
        }
        let (end, endOverflow) = futures_monotonic_nanoseconds().addingReportingOverflow(length)
        self.init(nanoseconds: endOverflow ? .max : end)
    }

    var isNever: Bool { nanoseconds == .max }

    /// Nanoseconds left: zero when passed (without reading the clock for a timeout of zero), nil when there is no limit.
    var remainingNanoseconds: Int64? {
        if nanoseconds == .max { return nil }
        if nanoseconds == .min { return 0 }
        return max(0, nanoseconds - futures_monotonic_nanoseconds())
    }

    var hasPassed: Bool { remainingNanoseconds == 0 }

    package static func < (left: Deadline, right: Deadline) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension Duration {
    /// The length in nanoseconds, rounded down; beyond about 292 years the nearest number that there is.
    var clampedNanoseconds: Int64 {
        // Not by `components`, which traps where the seconds are more than there are numbers.
        Int64(clamping: attoseconds / 1_000_000_000)
    }
}
