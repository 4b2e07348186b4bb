// A closure that runs on another thread must not take along what only one thread may use.
//
// error: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Futures

final class Counter { var count = 0 }

func callIt(_ pool: ThreadPoolExecutor) throws -> Future<Int> {
    let counter = Counter()
    #if CONTROL
        let start = counter.count
        return try pool.submit { start + 1 }
    #else
        return try pool.submit { counter.count + 1 }
    #endif
}
