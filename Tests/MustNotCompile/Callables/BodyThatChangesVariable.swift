// A body runs elsewhere: a variable of the caller's is out of its reach.
//
// error: mutation of captured var 'calls' in concurrently-executing code
import Futures

func makeCallable() -> Callable<Int, Int> {
    var calls = 0
    defer { print(calls) }
    calls += 1
    #if CONTROL
        return Callable("count") { (n: Int) -> Int in n + 1 }
    #else
        return Callable("count") { (n: Int) -> Int in
            calls += 1
            return n + 1
        }
    #endif
}
