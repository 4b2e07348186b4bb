// A future is completed with a value of its own type.
//
// error: cannot convert value of type 'String' to expected argument type 'Int'
import Futures

func callIt(_ future: Future<Int>) throws {
    #if CONTROL
        try future.setResult(1)
    #else
        try future.setResult("1")
    #endif
}
