// An executor with a journal blocks as the executor does.
//
// error: instance method 'shutdown' is unavailable from asynchronous contexts; this blocks the thread; use `await shutdown(cancelFutures:)`
import Futures

func callIt(_ executor: JournaledExecutor) async {
    #if CONTROL
        await executor.shutdown(cancelFutures: true)
    #else
        executor.shutdown(wait: true, cancelFutures: true)
    #endif
}
