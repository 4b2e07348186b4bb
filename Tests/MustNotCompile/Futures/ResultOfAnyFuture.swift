// A future whose type is not known has no result of a type.
//
// error: value of type 'AnyFuture' has no member 'result'
import Futures

func callIt(_ future: AnyFuture) throws {
    #if CONTROL
        if let future = future as? Future<Int> { print(try future.result()) }
    #else
        print(try future.result())
    #endif
}
