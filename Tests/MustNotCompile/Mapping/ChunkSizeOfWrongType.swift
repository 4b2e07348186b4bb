// A chunk has a number of elements, or one that is found out.
//
// error: no exact matches in call to instance method 'map'
// note: requires that 'Double' conform to 'ChunkSize'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws -> MapResults<Int> {
    #if CONTROL
        return try pool.map(increment, 0..<10, chunkSize: .automatic)
    #else
        return try pool.map(increment, 0..<10, chunkSize: 2.5)
    #endif
}
