import TestSupport
import Testing

@testable import Futures

/// Times as people write them.
struct DeadlineTests {
    @Test("times too long for a number of nanoseconds, or of seconds, are as long as can be", .proves(.F6))
    func longTimes() throws {
        for time in [.seconds(Int64.max), .seconds(UInt64.max), .seconds(1e19), .seconds(Int64.max) * 2] as [Duration] {
            #expect(time.clampedNanoseconds == .max)
            #expect(Duration.zero - time < .zero && (Duration.zero - time).clampedNanoseconds == .min)
            #expect(Deadline(after: time).isNever)
            let future = Future<Int>()
            let threads = TestThreads()
            threads.start {
                try? spin { future.hasObservers || future.word.load(ordering: .relaxed) != 0 }
                future.fulfil(1)
            }
            #expect(try future.result(timeout: time) == 1)
            threads.join()
            #expect(WorkerLimits(processorTime: time).processorSeconds == .max)
        }
    }

    @Test("nanoseconds are cut off, on both sides of zero")
    func parts() {
        #expect(Duration.milliseconds(1_500).clampedNanoseconds == 1_500_000_000)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999).clampedNanoseconds == 1)
        #expect(
            Duration(secondsComponent: -1, attosecondsComponent: -1_999_999_999).clampedNanoseconds == -1_000_000_001)
        #expect(Duration.seconds(9_223_372_036).clampedNanoseconds == 9_223_372_036_000_000_000)
        #expect(Duration.seconds(9_223_372_037).clampedNanoseconds == .max)
    }
}
