// What a worker runs first is a callable, as a closure cannot travel.
//
// error: closure passed to parameter of type 'WorkerInitializer' that does not accept a closure
import Futures

let increment = Callable("increment") { (n: Int) -> Int in n + 1 }

func makePool(_ registry: FunctionRegistry) throws -> ProcessPoolExecutor {
    #if CONTROL
        return try ProcessPoolExecutor(registry, initializer: WorkerInitializer(increment, 1))
    #else
        return try ProcessPoolExecutor(registry, initializer: { print(1) })
    #endif
}
