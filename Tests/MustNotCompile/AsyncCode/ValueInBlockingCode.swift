// `value` suspends a task; blocking code has `result`.
//
// error: 'async' property access in a function that does not support concurrency
import Futures

func callIt(_ future: Future<Int>) throws -> Int {
    #if CONTROL
        try future.result()
    #else
        try future.value
    #endif
}
