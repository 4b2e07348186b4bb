// Pairs are one sequence; the callable has two parameters.
//
// error: cannot convert value of type 'Callable<Int, Int, Int>' to expected argument type 'Callable<Int, Zip2Sequence
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(add, 0..<10, 10..<20)
    #else
        return try pool.map(add, zip(0..<10, 10..<20))
    #endif
}
