// `exception` blocks the thread. The compiler says that `exception` is unavailable there or, once it
// has an async form, that `await` is missing.
//
// error: async
import Futures

#if CONTROL
    func callIt(_ future: AnyFuture) throws -> (any Error)? { try future.exception() }
#else
    func callIt(_ future: AnyFuture) async throws -> (any Error)? { try future.exception() }
#endif
