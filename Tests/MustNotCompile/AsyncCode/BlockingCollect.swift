// `collect` blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ results: MapResults<Int>) async throws {
    #if CONTROL
        print(try await results.collect())
    #else
        print(try results.collect())
    #endif
}
