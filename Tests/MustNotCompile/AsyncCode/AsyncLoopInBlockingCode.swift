// A loop that suspends needs a task.
//
// error: 'async' in a function that does not support concurrency
import Futures

func callIt(_ futures: [Future<Int>]) throws {
    #if CONTROL
        for future in asCompleted(futures) { print(future) }
    #else
        for try await future in asCompleted(futures) { print(future) }
    #endif
}
