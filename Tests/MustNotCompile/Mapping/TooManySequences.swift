// There is no parameter for a sequence too many.
//
// error: extra argument in call
// error: be equivalent
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(add, 0..<10, 10..<20)
    #else
        return try pool.map(add, 0..<10, 10..<20, 20..<30)
    #endif
}
