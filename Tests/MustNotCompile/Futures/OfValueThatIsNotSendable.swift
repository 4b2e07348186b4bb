// A future's value is read by any thread.
//
// error: type 'Counter' does not conform to the 'Sendable' protocol
import Futures

#if CONTROL
    struct Counter { var count = 0 }
#else
    final class Counter { var count = 0 }
#endif

func makeFuture() {
    print(Future<Counter>())
}
