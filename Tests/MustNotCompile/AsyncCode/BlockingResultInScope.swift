// The body of a scope is async code.
//
// error: instance method 'result' is unavailable from asynchronous contexts
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
