// Results are read with next(), collect() or `for try await`: a plain loop could not throw.
//
// error: for-in loop requires 'MapResults<Int>' to conform to 'Sequence'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws {
    let results = try pool.map(increment, 0..<10)
    #if CONTROL
        while let number = try results.next() { print(number) }
    #else
        for number in results { print(number) }
    #endif
}
