// `result` blocks the thread; async code has `value`. The compiler says that `result` is unavailable there or, once it
// has an async form, that `await` is missing.
//
// error: async
import Futures

#if CONTROL
    func callIt(_ future: Future<Int>) throws -> Int { try future.result() }
#else
    func callIt(_ future: Future<Int>) async throws -> Int { try future.result() }
#endif
