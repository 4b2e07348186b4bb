// A worker's initializer is a call like any other.
//
// error: cannot convert value of type 'String' to expected argument type 'Int'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt() throws -> WorkerInitializer {
    #if CONTROL
        return try WorkerInitializer(increment, 1)
    #else
        return try WorkerInitializer(increment, "1")
    #endif
}
