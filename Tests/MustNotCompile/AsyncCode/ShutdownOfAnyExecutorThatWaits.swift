// `wait: true` blocks the thread behind the protocol, too.
//
// error: instance method 'shutdown' is unavailable from asynchronous contexts; this blocks the thread; use `await shutdown(cancelFutures:)`
import Futures

func callIt(_ executor: any Executor) async {
    #if CONTROL
        await executor.shutdown(cancelFutures: false)
    #else
        executor.shutdown(wait: true, cancelFutures: false)
    #endif
}
