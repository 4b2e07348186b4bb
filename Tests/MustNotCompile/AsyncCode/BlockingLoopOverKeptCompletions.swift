// What is kept in a variable is for `next` and for async code: a plain loop would be the only thing that tells that it blocks.
//
// error: for-in loop requires 'CompletedFutures<Future<Int>>' to conform to 'Sequence'
import Futures

func callIt(_ futures: [Future<Int>]) async throws {
    let completed = asCompleted(futures)
    #if CONTROL
        for try await future in completed { print(future) }
    #else
        for future in completed { print(future) }
    #endif
}
