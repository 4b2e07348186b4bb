import Futures
import Glibc

// What the workers run. Benchmarks/peers/tasks.py has the same functions for Python.

let empty = Callable("empty") { () -> Void in }
let increment = Callable("increment") { (n: Int) -> Int in n + 1 }
let echo = Callable("echo") { (bytes: [UInt8]) -> [UInt8] in bytes }

/// Computes for so many microseconds by the monotonic clock.
let busy = Callable("busy") { (microseconds: Int) -> Int in
    let end = now() + Double(microseconds) / 1e6
    while now() < end {}
    return microseconds
}

/// Tells which process it ran in.
let processID = Callable("process_id") { () -> Int in Int(getpid()) }

/// Takes long enough that another worker takes the next one.
let nap = Callable("nap") { () -> Int in
    usleep(5_000)
    return Int(getpid())
}

/// Blocks until there is a file of that name.
let awaitFile = Callable("await_file") { (path: String) -> Int in
    while access(path, F_OK) != 0 { usleep(2_000) }
    return 1
}

let registry = FunctionRegistry {
    empty
    increment
    echo
    busy
    processID
    nap
    awaitFile
}

/// The monotonic clock, in seconds.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
