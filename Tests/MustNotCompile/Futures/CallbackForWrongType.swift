// A callback gets the future that it was added to.
//
// error: cannot convert value of type '@Sendable (Future<String>) -> ()' to expected argument type '@Sendable (Future<Int>) -> Void'
import Futures

func callIt(_ future: Future<Int>) {
    #if CONTROL
        future.addDoneCallback { (done: Future<Int>) in print(done) }
    #else
        future.addDoneCallback { (done: Future<String>) in print(done) }
    #endif
}
