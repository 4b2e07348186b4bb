// A task's closure is async code. The compiler says that `result` is unavailable there or, once it
// has an async form, that `await` is missing.
//
// error: async
import Futures

func callIt(_ future: Future<Int>) {
    #if CONTROL
        Task { try await future.value }
    #else
        Task { try future.result() }
    #endif
}
