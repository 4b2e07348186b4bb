// A plain loop blocks the thread between two futures.
//
// error: global function 'asCompleted' is unavailable from asynchronous contexts; this blocks the thread; use `for try await`
import Futures

func callIt(_ futures: [Future<Int>]) async throws {
    #if CONTROL
        for try await future in asCompleted(futures) { print(future) }
    #else
        for future in asCompleted(futures) { print(future) }
    #endif
}
