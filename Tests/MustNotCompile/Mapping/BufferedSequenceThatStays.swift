// With a buffer size, the thread that takes a result reads on: the sequence goes from thread to thread.
//
// error: type 'Numbers' does not conform to the 'Sendable' protocol
import Futures

/// A sequence that only one thread may read.
final class Numbers: Sequence, IteratorProtocol {
    var last = 0
    func next() -> Int? {
        last += 1
        return last
    }
}
let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(increment, 0..<10, bufferSize: 4)
    #else
        return try pool.map(increment, Numbers(), bufferSize: 4)
    #endif
}
