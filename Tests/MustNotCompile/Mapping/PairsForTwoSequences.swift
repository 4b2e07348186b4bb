// Pairs are one sequence; the callable has two parameters.
//
// error: be equivalent
// error: missing argument for parameter #2 in call
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(add, 0..<10, 10..<20)
    #else
        return try pool.map(add, zip(0..<10, 10..<20))
    #endif
}
