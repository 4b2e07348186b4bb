// Without `await` a reduction would block the thread until its result is there.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

let sum = Reduction("sum") { (n: Int) in
    n
} combining: {
    $0 += $1
}
let products = Reduction("products") { (a: Int, b: Int) in
    a * b
} combining: {
    $0 += $1
}

func callIt(_ pool: ProcessPoolExecutor) async throws {
    #if CONTROL
        print(try await pool.reduce(sum, 0..<10) as Any, try await pool.reduce(products, 0..<10, 0..<10) as Any)
        print(try await pool.reduce(sum, AsyncStream<Int> { nil }) as Any)
    #else
        print(try pool.reduce(sum, 0..<10) as Any)
        print(try pool.reduce(products, 0..<10, 0..<10) as Any)
        print(try pool.reduce(sum, AsyncStream<Int> { nil }) as Any)
    #endif
}
