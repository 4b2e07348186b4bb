// `shutdown()` blocks the thread; its async form is awaited.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ pool: ProcessPoolExecutor) async {
    #if CONTROL
        await pool.shutdown()
    #else
        pool.shutdown()
    #endif
}
