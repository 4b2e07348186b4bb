// A closure cannot travel to another process; only a callable, which both sides have, can.
//
// error: trailing closure passed to parameter of type 'Callable<Int>' that does not accept a closure
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> Future<Int> {
    #if CONTROL
        return try pool.submit(add, 40, 2)
    #else
        return try pool.submit { 40 + 2 }
    #endif
}
