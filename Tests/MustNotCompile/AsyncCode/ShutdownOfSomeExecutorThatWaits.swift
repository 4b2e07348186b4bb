// `wait: true` alone blocks the thread as well.
//
// error: instance method 'shutdown' is unavailable from asynchronous contexts; this blocks the thread; use `await shutdown()`
import Futures

func callIt(_ executor: some Executor) async {
    #if CONTROL
        await executor.shutdown()
    #else
        executor.shutdown(wait: true)
    #endif
}
