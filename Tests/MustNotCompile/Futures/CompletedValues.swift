// What comes as completed are futures, not their values.
//
// error: cannot convert value of type 'Future<Int>' to expected argument type 'Int'
import Futures

func callIt(_ futures: [Future<Int>]) throws {
    #if CONTROL
        for future in asCompleted(futures) { print(try future.result() + 1) }
    #else
        for future in asCompleted(futures) { print(future + 1) }
    #endif
}
