import Futures

// The process pool example of Python's concurrent.futures.

// A worker process is this program, run again: it serves the pool here, and never gets beyond this line.
WorkerProcess.runIfSpawned(registry)

let numbers = [
    112_272_535_095_293,
    112_582_705_942_171,
    112_272_535_095_293,
    115_280_095_190_773,
    115_797_848_077_099,
    1_099_726_899_285_419,
]

let clock = ContinuousClock()
let inWorkers = try await clock.measure {
    try await withProcessPool(registry) { pool in
        var number = numbers.makeIterator()
        for try await prime in try pool.map(isPrime, numbers) {
            print("\(number.next()!) is prime: \(prime)")
        }
    }
}

var primes = 0
let inALoop = clock.measure {
    for number in numbers where isPrimeNumber(number) { primes += 1 }
}
precondition(primes == 5)

func milliseconds(_ duration: Duration) -> Int { Int((duration / .milliseconds(1)).rounded()) }
// Five of the numbers take equally long, the last no time: two processes have to do three of them one after the other,
// so that a ratio of 1.67 is the best that two cores can give, and 5 the best that five can.
let ratio = (inALoop / inWorkers * 100).rounded() / 100
print("in worker processes: \(milliseconds(inWorkers)) ms, with their start")
print("in a plain loop:     \(milliseconds(inALoop)) ms, \(ratio) times as long")
