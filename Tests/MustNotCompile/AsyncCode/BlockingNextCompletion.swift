// `next` blocks the thread between two futures.
//
// error: instance method 'next' is unavailable from asynchronous contexts; this blocks the thread; use `for try await`
import Futures

func callIt(_ futures: [Future<Int>]) async throws {
    #if CONTROL
        for try await future in asCompleted(futures, timeout: .seconds(1)) { print(future) }
    #else
        while let future = try asCompleted(futures, timeout: .seconds(1)).next() { print(future) }
    #endif
}
