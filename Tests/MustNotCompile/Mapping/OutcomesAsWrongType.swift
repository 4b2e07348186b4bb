// Outcomes are of the callable's type.
//
// error: cannot assign value of type 'Result<Int, any Error>?' to type 'Result<String, any Error>?'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws {
    #if CONTROL
        let outcome: Result<Int, any Error>? = try pool.map(increment, 0..<10).outcomes.next()
    #else
        let outcome: Result<String, any Error>? = try pool.map(increment, 0..<10).outcomes.next()
    #endif
    print(outcome as Any)
}
