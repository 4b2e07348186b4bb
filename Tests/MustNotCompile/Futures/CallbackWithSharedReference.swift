// A callback runs in the thread that completes the future.
//
// error: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Futures

final class Counter { var count = 0 }

func callIt(_ future: Future<Int>, _ counter: Counter) {
    let start = counter.count
    #if CONTROL
        future.addDoneCallback { _ in print(start) }
    #else
        future.addDoneCallback { _ in counter.count += 1 }
    #endif
}
