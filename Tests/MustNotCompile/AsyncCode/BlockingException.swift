// `exception` blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

#if CONTROL
    func callIt(_ future: AnyFuture) throws -> (any Error)? { try future.exception() }
#else
    func callIt(_ future: AnyFuture) async throws -> (any Error)? { try future.exception() }
#endif
