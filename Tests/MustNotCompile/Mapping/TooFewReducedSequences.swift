// Each parameter of a reduction needs a sequence.
//
// error: convert
import Futures

let products = Reduction("products") { (a: Int, b: Int) in
    a * b
} combining: {
    $0 += $1
}

func callIt(_ pool: ProcessPoolExecutor) throws -> Int? {
    #if CONTROL
        return try pool.reduce(products, 0..<10, 0..<10)
    #else
        return try pool.reduce(products, 0..<10)
    #endif
}
