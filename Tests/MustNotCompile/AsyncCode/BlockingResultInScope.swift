// The body of a scope is async code. The compiler says that `result` is unavailable there or, once it
// has an async form, that `await` is missing.
//
// error: async
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ registry: FunctionRegistry) async throws -> Int {
    try await withProcessPool(registry) { pool in
        #if CONTROL
            try await pool.submit(increment, 1).value
        #else
            try pool.submit(increment, 1).result()
        #endif
    }
}
