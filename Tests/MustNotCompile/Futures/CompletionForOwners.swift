// What executors use inside the package is not for users: they learn whether it worked.
//
// error: 'fulfil' is inaccessible due to 'package' protection level
import Futures

func callIt(_ future: Future<Int>) throws {
    #if CONTROL
        try future.setResult(1)
    #else
        future.fulfil(1)
    #endif
}
