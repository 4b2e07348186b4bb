// A body must not take along what only one thread may use.
//
// error: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Futures

final class Counter { var count = 0 }

func makeCallable(_ counter: Counter) -> Callable<Int, Int> {
    let start = counter.count
    #if CONTROL
        return Callable("count") { (n: Int) -> Int in n + start }
    #else
        return Callable("count") { (n: Int) -> Int in n + counter.count }
    #endif
}
