// An async closure runs on a thread of the pool, too.
//
// error: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Futures

final class Counter { var count = 0 }

func callIt(_ pool: ThreadPoolExecutor) throws -> Future<Int> {
    let counter = Counter()
    #if CONTROL
        let start = counter.count
        return try pool.submit { () async -> Int in start + 1 }
    #else
        return try pool.submit { () async -> Int in counter.count + 1 }
    #endif
}
