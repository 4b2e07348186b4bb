// `next` blocks the thread until the value is due; async code iterates.
//
// error: instance method 'next' is unavailable from asynchronous contexts; this blocks the thread; use `for await`
import Futures

func callIt(_ results: MapResults<Int>) async {
    #if CONTROL
        for await now in results.progress(every: .seconds(1)) { print(now) }
    #else
        while let now = results.progress(every: .seconds(1)).next() { print(now) }
    #endif
}
