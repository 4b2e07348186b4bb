// The sequence's elements are the arguments of a reduction, too.
//
// error: requires that '[String]' conform to 'AsyncSequence'
import Futures

let sum = Reduction("sum") { (n: Int) in
    n
} combining: {
    $0 += $1
}

func callIt(_ pool: ProcessPoolExecutor) throws -> Int? {
    #if CONTROL
        return try pool.reduce(sum, [1, 2])
    #else
        return try pool.reduce(sum, ["1", "2"])
    #endif
}
