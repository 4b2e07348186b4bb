// Behind the protocol, shutting down blocks as well.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ executor: any Executor) async {
    #if CONTROL
        await executor.shutdown()
    #else
        executor.shutdown()
    #endif
}
