// `shutdown(cancelFutures:)` blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ pool: ThreadPoolExecutor) async {
    #if CONTROL
        await pool.shutdown(cancelFutures: true)
    #else
        pool.shutdown(cancelFutures: true)
    #endif
}
