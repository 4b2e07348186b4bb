// An executor may have its workers in other processes; only a local one takes closures.
//
// error: trailing closure passed to parameter of type 'Callable<Int>' that does not accept a closure
import Futures

#if CONTROL
    func callIt(_ executor: any LocalExecutor) throws -> Future<Int> { try executor.submit { 40 + 2 } }
#else
    func callIt(_ executor: any Executor) throws -> Future<Int> { try executor.submit { 40 + 2 } }
#endif
