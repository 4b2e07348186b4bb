// One waits for futures, not for values.
//
// error: requires that 'Int' inherit from 'AnyFuture'
import Futures

func callIt(_ future: Future<Int>, _ numbers: [Int]) throws {
    #if CONTROL
        _ = wait([future])
    #else
        _ = wait(numbers)
    #endif
}
