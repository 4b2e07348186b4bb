import Glibc

/// How many elements a second are done, of late. A plain value: counts and times come in, a rate goes out.
struct RateEstimate: Sendable {
    /// What was so long ago counts a third of what is new, in nanoseconds: chunks come in bursts, and a person looks at times left that
    /// do not jump.
    static let memory = 5_000_000_000.0

    private var time: Int64
    private var count = 0
    /// Rates, each times its weight, and the sum of the weights, which is below 1 until enough has been seen.
    private var sum = 0.0
    private var weight = 0.0

    /// - Parameter time: when nothing was done; in nanoseconds.
    init(since time: Int64) { self.time = time }

    /// So many are done at this time. An earlier time than before says nothing.
    mutating func observed(_ count: Int, at time: Int64) {
        let passed = Double(time - self.time)
        guard passed > 0 else { return }
        let kept = exp(-passed / Self.memory)
        let rate = Double(max(0, count - self.count)) / (passed / 1e9)
        sum = sum * kept + rate * (1 - kept)
        weight = weight * kept + (1 - kept)
        (self.count, self.time) = (max(count, self.count), time)
    }

    var perSecond: Double { weight > 0 ? sum / weight : 0 }

    /// How long the rest takes; nil if nobody can say.
    static func timeLeft(for total: Int?, after done: Int, at rate: Double) -> Duration? {
        guard let total else { return nil }
        if done >= total { return .zero }
        let seconds = Double(total - done) / rate
        // Beyond a hundred years it is no estimate.
        return seconds < 3.2e9 ? .seconds(seconds) : nil
    }
}
