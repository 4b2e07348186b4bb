import TestSupport
import Testing

@testable import Futures

/// Which partial results are combined when: a plain value, with calls that end in any order.
@Suite struct PartialMergerTests {
    /// Partial results are numbers, one after the other.
    private struct World {
        var merger = PartialMerger<[Int]>()
        var running: [(future: Future<[Int]>, value: [Int])] = []
        var calls = 0
        var combined = 0
        var random: SplitMix

        init(seed: UInt64) { random = SplitMix(seed: seed) }

        /// Does what is asked until another partial result may come, or all is over.
        mutating func proceed(isFinishing: Bool) throws -> [Int]? {
            while true {
                // Some of what runs comes to its end.
                while !running.isEmpty, random.next() % 3 == 0 { end(Int(random.next() % UInt64(running.count))) }
                switch merger.next(isFinishing: isFinishing) {
                case .combine(let group):
                    let future = Future<[Int]>()
                    merger.began(future)
                    running.append((future, group.flatMap { $0 }))
                    calls += 1
                    combined += group.count
                case .wait(let future):
                    while !future.isDone { end(Int(random.next() % UInt64(running.count))) }
                    merger.combined(try future.outcome())
                case .done(let partial): return partial
                }
            }
        }

        mutating func end(_ index: Int) {
            let call = running.remove(at: index)
            call.future.fulfil(call.value)
        }
    }

    @Test(
        "neighbours only are combined, whatever ends first", arguments: [0, 1, 2, 7, 8, 9, 63, 64, 65, 511, 512, 3000])
    func order(count: Int) throws {
        for seed in 0..<20 {
            var world = World(seed: UInt64(seed))
            for number in 0..<count {
                world.merger.add([number])
                #expect(try world.proceed(isFinishing: false) == nil)
                #expect(world.running.count <= 8 * 5)
            }
            #expect(try world.proceed(isFinishing: true) == (count == 0 ? nil : Array(0..<count)))
            // A seventh more than once, and what is combined at the end.
            #expect(world.combined <= count + count / 7 + 8 * 5)
            #expect(world.calls <= count / 7 + 1)
            #expect(world.merger.futures.isEmpty)
        }
    }
}
