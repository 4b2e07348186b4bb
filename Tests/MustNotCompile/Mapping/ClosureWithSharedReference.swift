// A closure that runs on other threads must not take along what only one thread may use.
//
// error: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Futures

final class Counter { var count = 0 }

func callIt(_ pool: ThreadPoolExecutor, _ counter: Counter) throws -> MapResults<Int> {
    let start = counter.count
    #if CONTROL
        return try pool.map({ (n: Int) -> Int in n + start }, 0..<10)
    #else
        return try pool.map({ (n: Int) -> Int in n + counter.count }, 0..<10)
    #endif
}
