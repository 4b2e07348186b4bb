// What goes through a sequence blocks the thread, too, wherever that is written.
//
// error: global function 'asCompleted' is unavailable from asynchronous contexts; this blocks the thread; use `for try await`
import Futures

func callIt(_ futures: [Future<Int>]) async throws {
    #if CONTROL
        for try await future in asCompleted(futures).prefix(3) { print(future) }
    #else
        print(Array(asCompleted(futures)), asCompleted(futures).map(\.isCancelled))
        for (index, future) in asCompleted(futures).enumerated() { print(index, future) }
        for future in asCompleted(futures).prefix(3) { print(future) }
    #endif
}
