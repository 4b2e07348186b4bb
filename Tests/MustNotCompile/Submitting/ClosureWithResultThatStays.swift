// A result goes from the pool's thread to others.
//
// error: type 'Counter' does not conform to the 'Sendable' protocol
import Futures

final class Counter { var count = 0 }

func callIt(_ pool: ThreadPoolExecutor) throws {
    #if CONTROL
        let future = try pool.submit { Counter().count }
    #else
        let future = try pool.submit { Counter() }
    #endif
    print(future)
}
