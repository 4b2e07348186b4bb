// Options have a name: an argument more is one too many.
//
// error: pack expansion requires that 'Int' and 'Int, _' have the same shape
// error: cannot infer contextual base in reference to member 'priority'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws -> Future<Int> {
    #if CONTROL
        return try pool.submit(increment, 1, options: .priority(5))
    #else
        return try pool.submit(increment, 1, .priority(5))
    #endif
}
