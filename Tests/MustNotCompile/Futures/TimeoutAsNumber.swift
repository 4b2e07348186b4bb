// A time has a unit.
//
// error: cannot convert value of type 'Int' to expected argument type 'Duration'
import Futures

func callIt(_ future: Future<Int>) throws -> Int {
    #if CONTROL
        return try future.result(timeout: .seconds(5))
    #else
        return try future.result(timeout: 5)
    #endif
}
