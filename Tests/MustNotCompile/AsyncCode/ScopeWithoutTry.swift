// A scope throws what its body throws, and what making the pool does.
//
// error: call can throw but is not marked with 'try'
import Futures

func callIt(_ registry: FunctionRegistry) async throws {
    #if CONTROL
        try await withProcessPool(registry) { _ in }
    #else
        await withProcessPool(registry) { _ in }
    #endif
}
