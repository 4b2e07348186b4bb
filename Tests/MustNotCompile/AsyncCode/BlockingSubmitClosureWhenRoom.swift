// Waiting for room blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ pool: ThreadPoolExecutor) async throws -> Future<Int> {
    #if CONTROL
        return try await pool.submitWhenRoom { 1 }
    #else
        return try pool.submitWhenRoom { 1 }
    #endif
}
