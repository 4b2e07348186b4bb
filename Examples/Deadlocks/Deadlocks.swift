import Futures

/// How long a task waits for another before it gives up. Without such a limit this program would not end.
let patience = Duration.seconds(2)
/// How long the program looks on before it says what is stuck.
let glance = Duration.milliseconds(200)

/// Each of two tasks waits for the other's future.
func showTasksThatWaitForEachOther() throws {
    print("Deadlock: two tasks wait for each other")
    let pool = try ThreadPoolExecutor(maxWorkers: 2)
    defer { pool.shutdown() }
    // When a is submitted there is no b yet, so a gets a future that b's future will come in.
    let promise = Future<Future<Int>>()
    let a = try pool.submit {
        let b = try promise.result()
        // b will never complete, because it is waiting for a.
        return try b.result(timeout: patience) + 5
    }
    let b = try pool.submit {
        // a will never complete, because it is waiting for b.
        try a.result() + 6
    }
    try promise.setResult(b)

    let stuck = wait([a, b], timeout: glance).notDone.count
    print("  after \(glance) \(stuck) of 2 are unfinished; a is \(a.state), b is \(b.state)")
    print("  stuck: a waits for b and b waits for a, so that neither can return")
    print("  way out: a waits no longer than \(patience)")
    // One limit opens the circle: a fails, and b, which has none, gets a's error.
    report("a", a)
    report("b", b)
}

/// A task waits for another one that needs the thread on which it waits itself.
func showTaskThatWaitsForItsOwnPool() throws {
    print("Deadlock: a task waits for a call of its own pool, which has one thread")
    let pool = try ThreadPoolExecutor(maxWorkers: 1)
    defer { pool.shutdown() }
    let promise = Future<Future<Int>>()
    let outer = try pool.submit {
        let inner = try pool.submit(power, 5, 2)
        try promise.setResult(inner)
        // inner will never complete, because there is only one thread and it is executing this closure.
        return try inner.result(timeout: patience)
    }
    let inner = try promise.result()

    let stuck = wait([outer, inner], timeout: glance).notDone.count
    print("  after \(glance) \(stuck) of 2 are unfinished; outer is \(outer.state), inner is \(inner.state)")
    print("  stuck: outer holds the only thread until inner returns, and inner cannot begin without a thread")
    print("  way out: outer waits no longer than \(patience), and then lets go of its thread")
    report("outer", outer)
    report("inner", inner)
}

let power = Callable("pow") { (base: Int, exponent: Int) -> Int in
    (0..<exponent).reduce(1) { product, _ in product * base }
}

func report(_ name: String, _ future: Future<Int>) {
    do {
        print("  \(name) returned \(try future.result())")
    } catch {
        print("  \(name) failed: \(error)")
    }
}
