import Futures

/// Tasks that need each other's results return what they have; the caller, who waits on no thread of the pool, puts it
/// together.
func showCombiningInTheCaller() throws {
    print("Instead: return, and combine in the caller")
    let pool = try ThreadPoolExecutor(maxWorkers: 2)
    defer { pool.shutdown() }
    let a = try pool.submit { 5 }
    let b = try pool.submit { 6 }
    print("  a and b make \(try a.result() + b.result())")
}

/// A call that needs the result of another is submitted when that is there.
func showContinuingInACallback() throws {
    print("Instead: submit the second call in a done callback of the first")
    let pool = try ThreadPoolExecutor(maxWorkers: 1)
    defer { pool.shutdown() }
    let base = try pool.submit { 5 }
    let square = base.then(on: pool) { base in base * base }
    // Before the shutdown, which would have the pool refuse the second call.
    print("  on one thread 5 became \(try square.result())")
}

extension Future {
    /// A future of what `next` makes of the value. No thread waits in between.
    func then<Next: Sendable>(
        on pool: ThreadPoolExecutor, _ next: @escaping @Sendable (Value) throws -> Next
    ) -> Future<Next> {
        let promise = Future<Next>()
        addDoneCallback { first in
            do {
                // It is done, so this does not wait.
                let value = try first.result()
                try pool.submit { try next(value) }.addDoneCallback { second in
                    do { try promise.setResult(second.result()) } catch { try? promise.setException(error) }
                }
            } catch {
                try? promise.setException(error)
            }
        }
        return promise
    }
}

/// Calls that need the results of many others are submitted by the caller, as those come.
func showContinuingAsTheyComplete() throws {
    print("Instead: let the caller submit as results come, with asCompleted")
    let pool = try ThreadPoolExecutor(maxWorkers: 1)
    defer { pool.shutdown() }
    let bases = try (1...4).map { n in try pool.submit { n } }
    var squares: [Future<Int>] = []
    for base in asCompleted(bases) {
        squares.append(try pool.submit(power, base.result(), 2))
    }
    print("  the squares are \(try squares.map { try $0.result() })")
}
