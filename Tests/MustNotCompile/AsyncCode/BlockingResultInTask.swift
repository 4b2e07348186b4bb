// A task's closure is async code.
//
// error: instance method 'result' is unavailable from asynchronous contexts
import Futures

func callIt(_ future: Future<Int>) {
    #if CONTROL
        Task { try await future.value }
    #else
        Task { try future.result() }
    #endif
}
