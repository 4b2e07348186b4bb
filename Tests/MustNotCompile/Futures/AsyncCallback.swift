// A callback runs to its end in the thread that completes the future.
//
// error: cannot pass function of type '@Sendable (Future<Int>) async -> ()' to parameter expecting synchronous function type
import Futures

func show(_ future: Future<Int>) async { print(future) }

func callIt(_ future: Future<Int>) {
    #if CONTROL
        future.addDoneCallback { done in print(done) }
    #else
        future.addDoneCallback { done in await show(done) }
    #endif
}
