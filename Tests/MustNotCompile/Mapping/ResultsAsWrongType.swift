// Results are of the callable's type.
//
// error: cannot assign value of type '[Int]' to type '[String]'
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func callIt(_ pool: ProcessPoolExecutor) throws {
    #if CONTROL
        let all: [Int] = try pool.map(increment, 0..<10).collect()
    #else
        let all: [String] = try pool.map(increment, 0..<10).collect()
    #endif
    print(all)
}
