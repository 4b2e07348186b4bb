// Two threads would change the variable at the same time.
//
// error: mutation of captured var 'sum' in concurrently-executing code
import Futures

func callIt(_ pool: ThreadPoolExecutor) throws -> Int {
    var sum = 0
    #if CONTROL
        let future = try pool.submit { 1 }
    #else
        let future = try pool.submit { sum += 1 }
    #endif
    _ = try future.result()
    sum += 1
    return sum
}
