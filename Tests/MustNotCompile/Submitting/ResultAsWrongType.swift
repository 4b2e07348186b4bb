// A result is of the callable's type.
//
// error: cannot convert value of type 'Int' to specified type 'String'
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws {
    #if CONTROL
        let sum: Int = try pool.submit(add, 3, 20).result()
    #else
        let sum: String = try pool.submit(add, 3, 20).result()
    #endif
    print(sum)
}
