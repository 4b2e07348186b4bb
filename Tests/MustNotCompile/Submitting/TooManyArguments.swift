// There is nobody to take an argument too many.
//
// error: pack expansion requires that 'Int, Int' and 'Int, Int, Int' have the same shape
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> Future<Int> {
    #if CONTROL
        return try pool.submit(add, 3, 20)
    #else
        return try pool.submit(add, 3, 20, 100)
    #endif
}
