// An iterator blocks the thread between two futures.
//
// error: instance method 'makeIterator' is unavailable from asynchronous contexts; this blocks the thread; use `for try await`
import Futures

func callIt(_ futures: [Future<Int>]) async throws {
    #if CONTROL
        var iterator = asCompleted(futures).makeAsyncIterator()
        print(try await iterator.next() as Any)
    #else
        var iterator = asCompleted(futures).makeIterator()
        print(iterator.next() as Any)
    #endif
}
