// `next` blocks the thread; async code iterates.
//
// error: instance method 'next' is unavailable from asynchronous contexts; this blocks the thread; use `for try await`
import Futures

func callIt(_ outcomes: MapIndexedOutcomes<Int>) async throws {
    #if CONTROL
        for try await outcome in outcomes { print(outcome) }
    #else
        while let outcome = try outcomes.next() { print(outcome) }
    #endif
}
