// Elements go to the pool's threads.
//
// error: type 'Counter' does not conform to the 'Sendable' protocol
import Futures

final class Counter { var count = 0 }

func callIt(_ pool: ThreadPoolExecutor, _ counters: [Counter]) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map({ (count: Int) -> Int in count }, counters.map { $0.count })
    #else
        return try pool.map({ (counter: Counter) -> Int in counter.count }, counters)
    #endif
}
