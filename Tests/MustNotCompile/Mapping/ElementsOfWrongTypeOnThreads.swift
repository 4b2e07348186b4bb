// The sequence's elements are the arguments.
//
// error: cannot convert value of type 'String' to expected element type 'Int'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ThreadPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(increment, [1, 2, 3])
    #else
        return try pool.map(increment, ["1", "2", "3"])
    #endif
}
