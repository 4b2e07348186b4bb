// An argument has to be of the callable's type.
//
// error: cannot convert value of type 'String' to expected argument type 'Int'
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws -> Future<Int> {
    #if CONTROL
        return try pool.submit(add, 3, 20)
    #else
        return try pool.submit(add, "3", 20)
    #endif
}
