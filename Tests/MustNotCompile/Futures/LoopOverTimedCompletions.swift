// A loop with a time limit can throw, which a plain one could not.
//
// error: for-in loop requires 'CompletedFutures<Future<Int>>' to conform to 'Sequence'
import Futures

func callIt(_ futures: [Future<Int>]) throws {
    #if CONTROL
        let completed = asCompleted(futures, timeout: .seconds(1))
        while let future = try completed.next() { print(future) }
    #else
        for future in asCompleted(futures, timeout: .seconds(1)) { print(future) }
    #endif
}
