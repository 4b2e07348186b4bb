// What comes over time is not read to its end at the call: somebody has to say how far ahead.
//
// error: no exact matches in call to instance method 'map'
// note: requires that 'AsyncStream<Int>' conform to 'Sequence'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor, _ numbers: AsyncStream<Int>) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(increment, numbers, bufferSize: 4)
    #else
        return try pool.map(increment, numbers)
    #endif
}
