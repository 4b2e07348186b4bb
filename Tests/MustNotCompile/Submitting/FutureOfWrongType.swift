// A future is of the callable's result.
//
// error: cannot assign value of type 'Future<Int>' to type 'Future<String>'
import Futures

let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }

func callIt(_ pool: ProcessPoolExecutor) throws {
    #if CONTROL
        let future: Future<Int> = try pool.submit(add, 3, 20)
    #else
        let future: Future<String> = try pool.submit(add, 3, 20)
    #endif
    print(future)
}
