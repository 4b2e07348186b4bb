// In async code a scope suspends at its end.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ registry: FunctionRegistry) async throws {
    #if CONTROL
        try await withThreadPool { pool in _ = try pool.submit { 1 } }
        try await withProcessPool(registry) { _ in }
    #else
        try withThreadPool { pool in _ = try pool.submit { 1 } }
        try withProcessPool(registry) { _ in }
    #endif
}
