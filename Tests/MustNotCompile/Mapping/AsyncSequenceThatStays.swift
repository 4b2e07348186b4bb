// A task of its own reads an asynchronous sequence.
//
// error: type 'Numbers' does not conform to the 'Sendable' protocol
import Futures

/// A sequence that only one task may read.
final class Numbers: AsyncSequence, AsyncIteratorProtocol {
    var last = 0
    func makeAsyncIterator() -> Numbers { self }
    func next() async throws -> Int? {
        last += 1
        return last
    }
}

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor, _ numbers: AsyncStream<Int>) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(increment, numbers, bufferSize: 4)
    #else
        return try pool.map(increment, Numbers(), bufferSize: 4)
    #endif
}
