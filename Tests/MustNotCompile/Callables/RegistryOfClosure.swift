// A registry has callables: a closure has no name.
//
// error: no exact matches in call to static method 'buildExpression'
import Futures

let one = Callable("one") { () -> Int in 1 }
#if CONTROL
    let two = Callable("two") { () -> Int in 2 }
#else
    let two = { @Sendable () -> Int in 2 }
#endif

let registry = FunctionRegistry {
    one
    two
}
