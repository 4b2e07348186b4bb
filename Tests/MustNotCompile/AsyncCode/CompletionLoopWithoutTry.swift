// A task that is cancelled is told by an error.
//
// error: call can throw, but the error is not handled
import Futures

func callIt(_ futures: [Future<Int>]) async throws {
    #if CONTROL
        for try await future in asCompleted(futures) { print(future) }
    #else
        for await future in asCompleted(futures) { print(future) }
    #endif
}
