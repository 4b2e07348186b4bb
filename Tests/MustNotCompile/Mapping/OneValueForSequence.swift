// A value is not a sequence of itself.
//
// error: requires that 'Int' conform to 'Sequence'
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(add, 0..<10, repeatElement(5, count: 10))
    #else
        return try pool.map(add, 0..<10, 5)
    #endif
}
