// `wait: true` blocks the thread, and has no async form: that always waits.
//
// error: instance method 'shutdown' is unavailable from asynchronous contexts; this blocks the thread; use `await shutdown(cancelFutures:)`
import Futures

func callIt(_ pool: ProcessPoolExecutor) async {
    #if CONTROL
        await pool.shutdown(cancelFutures: false)
    #else
        pool.shutdown(wait: true)
    #endif
}
