import TestSupport
import Testing

@testable import Futures

/// How an automatic chunk size comes about: a plain value, and times made up.
@Suite struct ChunkSizerTests {
    /// Nanoseconds that elements take, of which some workers compute at the same time; gives the sizes in order.
    private func sizes(
        of count: Int, workers: Int, bufferSize: Int = .max, time: (_ element: Int) -> Int
    ) -> [Int] {
        var sizer = ChunkSizer(nil, workers: workers, bufferSize: bufferSize)
        var sizes: [Int] = []
        var next = 0
        while next < count {
            let size = min(sizer.next(remaining: count - next), count - next)
            sizer.measured(elements: size, time: Int64((next..<next + size).reduce(0) { $0 + time($1) }))
            sizes.append(size)
            next += size
        }
        return sizes
    }

    @Test("a size that was asked for stays", .proves(.M7), arguments: [1, 7, 5_000])
    func fixed(size: Int) {
        var sizer = ChunkSizer(size, workers: 4, bufferSize: .max)
        #expect(!sizer.isAutomatic)
        #expect(sizer.next(remaining: 3) == size)
        sizer.measured(elements: size, time: 1)
        #expect(sizer.next(remaining: nil) == size)
        #expect(ChunkSizer(size, workers: 4, bufferSize: 3).next(remaining: nil) == min(size, 3))
    }

    @Test("no chunk has more elements than a worker takes", .proves(.M7))
    func mostAccepted() {
        for size in [1 << 24, (1 << 24) + 1, .max] {
            #expect(ChunkSizer(size, workers: 1, bufferSize: .max).next(remaining: nil) == 1 << 24)
        }
    }

    @Test("short elements come to be many in a chunk, step by step, and long ones stay alone", .proves(.M7))
    func growsWithShortElements() {
        let short = sizes(of: 100_000, workers: 2) { _ in 1_000 }
        #expect(short.first == 1)
        var largest = 1
        for size in short {
            #expect(size <= largest * ChunkSizer.growth)
            largest = max(largest, size)
        }
        #expect((4_500...5_500).contains(short.max()!), "\(short)")
        #expect(short.count < 60, "\(short)")
        #expect(sizes(of: 50, workers: 2) { _ in 10_000_000 } == Array(repeating: 1, count: 50))
        #expect(sizes(of: 400_000, workers: 2) { _ in 0 }.max() == ChunkSizer.most)
    }

    @Test("towards the end chunks shrink, so that the workers finish together", .proves(.M7), arguments: [1, 2, 8])
    func shrinksTowardsTheEnd(workers: Int) {
        let all = sizes(of: 20_000, workers: workers) { _ in 2_000 }
        var left = 20_000
        for size in all {
            #expect(size == 1 || size <= left / (2 * workers))
            left -= size
        }
        #expect(all.last == 1)
    }

    @Test("elements that come to be longer bring the size down again", .proves(.M7))
    func followsTheTime() {
        let all = sizes(of: 60_000, workers: 2) { $0 < 30_000 ? 1_000 : 1_000_000 }
        #expect(all.max()! > 1_000)
        #expect(all.suffix(20).allSatisfy { $0 <= 10 }, "\(all)")
    }

    @Test("what the consumer's buffer holds is shared among the workers", .proves(.M2, .M7))
    func bounded() {
        let all = sizes(of: 20_000, workers: 4, bufferSize: 80) { _ in 100 }
        #expect(all.max() == 10)
        #expect(sizes(of: 20, workers: 4, bufferSize: 3) { _ in 100 }.max() == 1)
    }

    @Test("times that mean nothing do no harm", .proves(.M7), arguments: [Int64.min, -1, 0, 1, .max])
    func extremes(time: Int64) {
        var sizer = ChunkSizer(nil, workers: .max / 4, bufferSize: .max)
        sizer.measured(elements: 0, time: time)
        sizer.measured(elements: 5, time: time)
        #expect((1...ChunkSizer.most).contains(sizer.next(remaining: nil)))
        #expect(sizer.next(remaining: 0) == 1)
    }
}
