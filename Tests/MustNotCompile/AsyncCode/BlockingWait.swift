// `wait` blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ futures: [Future<Int>]) async {
    #if CONTROL
        _ = await wait(futures)
    #else
        _ = wait(futures)
    #endif
}
