import Testing

@testable import Futures

/// How fast a map is, and how long the rest takes.
@Suite struct RateEstimateTests {
    private let second: Int64 = 1_000_000_000

    @Test("before anything is done it is 0; at an even pace it is that pace, however often somebody looks")
    func even() {
        #expect(RateEstimate(since: 5).perSecond == 0)
        for step in [second / 100, second, 60 * second] {
            var rate = RateEstimate(since: 7)
            for tick in 1...500 {
                let time = Int64(tick) * step
                rate.observed(Int(time / (second / 100)), at: 7 + time)
            }
            #expect(abs(rate.perSecond - 100) < 1e-6)
        }
    }

    @Test("a change of pace counts, the last seconds most; bursts are evened out")
    func changes() {
        var rate = RateEstimate(since: 0)
        for tick in 1...60 { rate.observed(1_000 * tick, at: Int64(tick) * second) }
        for tick in 61...75 { rate.observed(60_000 + 100 * (tick - 60), at: Int64(tick) * second) }
        #expect((100...150).contains(rate.perSecond), "after three times the memory")
        var bursts = RateEstimate(since: 0)
        var rates: [Double] = []
        for tick in 1...400 {
            bursts.observed(tick / 4 * 4, at: Int64(tick) * second / 4)
            if tick > 100 { rates.append(bursts.perSecond) }
        }
        #expect(rates.allSatisfy { (3.0...5.2).contains($0) }, "four at a time, each second: \(rates.max() ?? 0)")
    }

    @Test("neither a clock that stands nor a count that falls makes it anything but a number")
    func odd() {
        var rate = RateEstimate(since: 10)
        rate.observed(5, at: 10)
        rate.observed(5, at: 3)
        #expect(rate.perSecond == 0)
        rate.observed(10, at: 10 + second)
        rate.observed(4, at: 10 + 2 * second)
        rate.observed(10, at: 10 + 3 * second)
        #expect(rate.perSecond > 0 && rate.perSecond < 10)
        rate.observed(.max, at: .max)
        #expect(rate.perSecond.isFinite)
    }

    @Test("time left")
    func timeLeft() {
        #expect(RateEstimate.timeLeft(for: nil, after: 5, at: 1) == nil)
        #expect(RateEstimate.timeLeft(for: 10, after: 5, at: 0) == nil)
        #expect(RateEstimate.timeLeft(for: 10, after: 5, at: 2) == .seconds(2.5))
        #expect(RateEstimate.timeLeft(for: 10, after: 10, at: 0) == .zero)
        #expect(RateEstimate.timeLeft(for: 10, after: 12, at: 1) == .zero)
        #expect(RateEstimate.timeLeft(for: .max, after: 0, at: 1e-9) == nil, "for ever is no time")
    }
}
