// Waiting for room blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) async throws -> Future<Int> {
    #if CONTROL
        return try await pool.submitWhenRoom(increment, 1)
    #else
        return try pool.submitWhenRoom(increment, 1)
    #endif
}
