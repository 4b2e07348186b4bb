// A lazy sequence holds closures, which may hold anything.
//
// error: conformance of 'LazyMapSequence<Base, Element>' to 'Sendable' is unavailable
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        let numbers = (0..<10).map { $0 * 2 }
    #else
        let numbers = (0..<10).lazy.map { $0 * 2 }
    #endif
    return try pool.map(increment, numbers, bufferSize: 4)
}
