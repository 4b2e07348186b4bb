// A pool that is shut down or broken throws; nobody overlooks that.
//
// error: call can throw, but it is not marked with 'try' and the error is not handled
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) -> Future<Int>? {
    #if CONTROL
        return try? pool.submit(add, 40, 2)
    #else
        return pool.submit(add, 40, 2)
    #endif
}
