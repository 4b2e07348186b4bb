// Behind the protocol the types are checked, too.
//
// error: cannot convert value of type '[Int]' to expected argument type 'Int'
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ executor: any Executor) throws -> Future<Int> {
    #if CONTROL
        return try executor.submit(add, 3, 20)
    #else
        return try executor.submit(add, 3, [20])
    #endif
}
