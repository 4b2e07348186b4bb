// A future fails with an error.
//
// error: argument type 'String' does not conform to expected type 'Error'
import Futures

struct Refused: Error {}

func callIt(_ future: Future<Int>) throws {
    #if CONTROL
        try future.setException(Refused())
    #else
        try future.setException("refused")
    #endif
}
