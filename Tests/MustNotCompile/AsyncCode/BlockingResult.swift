// `result` blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

#if CONTROL
    func callIt(_ future: Future<Int>) throws -> Int { try future.result() }
#else
    func callIt(_ future: Future<Int>) async throws -> Int { try future.result() }
#endif
