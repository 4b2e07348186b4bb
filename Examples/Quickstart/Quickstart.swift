import Futures

let isPrime = Callable("is_prime") { (n: Int) -> Bool in
    n >= 2 && (2...).lazy.prefix { $0 * $0 <= n }.allSatisfy { n % $0 != 0 }
}
let power = Callable("pow") { (base: Int, exponent: Int) -> Int in
    (0..<exponent).reduce(1) { product, _ in product * base }
}
let registry = FunctionRegistry {
    isPrime
    power
}

@main struct Quickstart {
    static func main() async throws {
        WorkerProcess.runIfSpawned(registry)  // in a worker process this serves, and never returns
        try await withProcessPool(registry, maxWorkers: 2) { pool in
            let future = try pool.submit(power, 3, 20)
            print("3 to the 20th is", try await future.value)
            let numbers = [112_272_535_095_293, 1_099_726_899_285_419]
            for (number, prime) in zip(numbers, try await pool.map(isPrime, numbers, chunkSize: 1).collect()) {
                print(number, prime ? "is prime" : "is not prime")
            }
        }
    }
}
