// Threads take the arguments as they are, and check them all the same.
//
// error: cannot convert value of type 'Double' to expected argument type 'Int'
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ThreadPoolExecutor) throws -> Future<Int> {
    #if CONTROL
        return try pool.submit(add, 3, 20)
    #else
        return try pool.submit(add, 3, 20.5)
    #endif
}
