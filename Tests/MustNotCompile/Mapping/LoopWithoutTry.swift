// An element that failed throws at its position.
//
// error: call can throw, but the error is not handled
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) async throws {
    let results = try pool.map(increment, 0..<10)
    #if CONTROL
        for try await number in results { print(number) }
    #else
        for await number in results { print(number) }
    #endif
}
