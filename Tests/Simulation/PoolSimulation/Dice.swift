import Futures
import Glibc

/// What is drawn at random: all of it from one seed.
struct Dice {
    var generator: SplitMix

    init(seed: UInt64) { generator = SplitMix(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }

    /// A number from 0 to `count` - 1, with `count` from 1 to 2³². The bias is below one in a million for what is drawn here.
    mutating func below(_ count: Int) -> Int { Int(((next() >> 32) &* UInt64(count)) >> 32) }

    mutating func from(_ first: Int, through last: Int) -> Int { first + below(last - first + 1) }

    /// A number from 0 up to, but without, 1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func chance(_ probability: Double) -> Bool { probability > 0 && fraction() < probability }

    /// How often something goes wrong: never, or with this likelihood now and then or often.
    mutating func share(_ likelihood: Double) -> Double { chance(likelihood) ? pick([0.000_1, 0.01, 0.1]) : 0 }

    mutating func coin() -> Bool { next() & 1 == 0 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// A number between two others, each order of magnitude as likely as the next.
    mutating func magnitude(_ range: Magnitudes) -> Int64 { Int64(exp(range.low + fraction() * range.span)) }

    mutating func magnitude(_ least: Int64, _ most: Int64) -> Int64 {
        min(max(magnitude(Magnitudes(least, most)), least), most)
    }
}

/// A range of numbers from which each order of magnitude is drawn as often as the next.
struct Magnitudes {
    fileprivate let low: Double
    fileprivate let span: Double
    let most: Int64

    /// - Parameter least: 1 or more.
    init(_ least: Int64, _ most: Int64) {
        low = log(Double(least))
        span = log(Double(max(most, least)) + 1) - low
        self.most = max(most, least)
    }

    /// The mean of what is drawn.
    var mean: Int64 {
        let (first, last) = (exp(low), exp(low + span))
        return span > 0.01 ? Int64((last - first) / span) : Int64(first)
    }
}
