// Whatever the order of the results, the sequence's elements are the arguments.
//
// error: no exact matches in call to instance method 'mapUnordered'
// note: the types 'Int' and 'String' be equivalent
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor, _ texts: [String]) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.mapUnordered(increment, texts.map { $0.count })
    #else
        return try pool.mapUnordered(increment, texts)
    #endif
}
