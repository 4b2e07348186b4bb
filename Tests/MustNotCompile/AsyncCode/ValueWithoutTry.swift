// A call can throw.
//
// error: property access can throw, but it is not marked with 'try' and the error is not handled
import Futures

func callIt(_ future: Future<Int>) async -> Int? {
    #if CONTROL
        try? await future.value
    #else
        await future.value
    #endif
}
