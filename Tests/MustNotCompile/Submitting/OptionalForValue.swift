// What may be nil is no argument for a parameter that may not.
//
// error: value of optional type 'Int?' must be unwrapped to a value of type 'Int'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor, _ number: Int?) throws -> Future<Int> {
    #if CONTROL
        return try pool.submit(increment, number ?? 0)
    #else
        return try pool.submit(increment, number)
    #endif
}
