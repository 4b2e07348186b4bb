// A closure cannot travel to another process.
//
// error: closure passed to parameter of type 'Callable<
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(increment, 0..<10)
    #else
        return try pool.map({ (n: Int) -> Int in n + 1 }, 0..<10)
    #endif
}
