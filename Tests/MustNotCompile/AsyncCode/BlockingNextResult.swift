// `next` blocks the thread; async code iterates.
//
// error: instance method 'next' is unavailable from asynchronous contexts; this blocks the thread; use `for try await`
import Futures

func callIt(_ results: MapResults<Int>) async throws {
    #if CONTROL
        for try await result in results { print(result) }
    #else
        while let result = try results.next() { print(result) }
    #endif
}
