import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

private struct Refusal: Error, Equatable {}

private let power = Callable("power") { (base: Int, exponent: Int) in
    (0..<exponent).reduce(1) { product, _ in product * base }
}

extension ProcessSuites {
    @Suite struct ThreadPoolMapTests {
        @Test("results in input order; several sequences, up to the shortest; closures and callables", .proves(.M1))
        func order() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 3)
                #expect(try pool.map({ (number: Int) in number * 2 }, 0..<100).collect() == (0..<100).map { $0 * 2 })
                #expect(try pool.map(power, [2, 3, 4], [5, 2], chunkSize: 7).collect() == [32, 9])
                #expect(
                    try pool.map({ (number: Int, text: String) in "\(number)\(text)" }, 1..., ["a", "b"]).collect()
                        == ["1a", "2b"])
                #expect(try pool.map({ (number: Int) in number }, []).next() == nil)
                #expect(throws: InvalidArgumentError.self) { try pool.map({ (n: Int) in n }, 0..<3, chunkSize: 0) }
                pool.shutdown()
                #expect(throws: ExecutorShutdownError.self) { try pool.map({ (number: Int) in number }, 0..<3) }
            }
        }

        @Test("a chunk size makes no difference: the elements of a chunk run side by side", .proves(.M7))
        func chunks() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 2)
                let gates = [Gate(), Gate()]
                // Each waits for the other.
                let meeting = { @Sendable (number: Int) in
                    gates[number].open()
                    try gates[1 - number].wait()
                    return number
                }
                #expect(try pool.map(meeting, 0..<2, chunkSize: 2).collect() == [0, 1])
                pool.shutdown()
            }
        }

        @Test("a failing element throws at its position; outcomes go on after it", .proves(.M4))
        func failures() async throws {
            try await withThreadPool(maxWorkers: 2) { pool in
                let body = { @Sendable (number: Int) in
                    if number == 2 { throw Refusal() }
                    return number
                }
                var seen: [Int] = []
                await #expect(throws: Refusal()) {
                    for try await value in try pool.map(body, 0..<5) { seen.append(value) }
                }
                #expect(seen == [0, 1])
                var outcomes: [Int?] = []
                for try await outcome in try pool.map(body, 0..<5).outcomes { outcomes.append(try? outcome.get()) }
                #expect(outcomes == [0, 1, nil, 3, 4])
            }
        }

        @Test("one budget from the call; then the rest is cancelled", .proves(.M3))
        func timeout() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let (second, leave) = (Gate(), Gate())
                let ran = Atomic<Int>(0)
                let start = ContinuousClock.now
                let results = try pool.map(
                    { (number: Int) in
                        if number == 1 {
                            second.open()
                            try leave.wait()
                        }
                        ran.add(1, ordering: .relaxed)
                        return number
                    }, 0..<5, timeout: .seconds(1))
                // The first one is there then, and comes also when the time has run out.
                try second.wait()
                #expect(try results.next() == 0)
                let error = try #require(throws: TimeoutError.self) { try results.next() }
                #expect(ContinuousClock.now - start >= .seconds(1))
                #expect(error.source == .wait)
                leave.open()
                pool.shutdown()
                #expect(ran.load(ordering: .relaxed) == 2)
            }
        }

        @Test("ending the iteration early cancels what has not begun", .proves(.M5))
        func endedEarly() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let (second, leave) = (Gate(), Gate())
                let ran = Atomic<Int>(0)
                do {
                    let results = try pool.map(
                        { (number: Int) in
                            if number == 1 {
                                second.open()
                                try leave.wait()
                            }
                            ran.add(1, ordering: .relaxed)
                        }, 0..<10)
                    try results.next()
                    try second.wait()
                }
                leave.open()
                pool.shutdown()
                #expect(ran.load(ordering: .relaxed) == 2)
            }
        }
    }
}
