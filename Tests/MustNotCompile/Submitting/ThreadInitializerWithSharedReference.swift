// A thread's initializer runs on each thread.
//
// error: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Futures

final class Counter { var count = 0 }

func callIt(_ counter: Counter) throws -> ThreadPoolExecutor {
    let start = counter.count
    #if CONTROL
        return try ThreadPoolExecutor(initializer: { print(start) })
    #else
        return try ThreadPoolExecutor(initializer: { print(counter.count) })
    #endif
}
