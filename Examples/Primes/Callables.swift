import Futures

// What the workers run. It is not in main.swift: the globals of that file are set by its own statements, which a worker
// never reaches.

let isPrime = Callable("is_prime") { (n: Int) -> Bool in isPrimeNumber(n) }

/// What this program can ask of its worker processes: both have the same.
let registry = FunctionRegistry { isPrime }

/// By trial division.
func isPrimeNumber(_ n: Int) -> Bool {
    if n < 2 { return false }
    if n == 2 { return true }
    if n % 2 == 0 { return false }
    let root = Int(Double(n).squareRoot())
    for divisor in stride(from: 3, through: root, by: 2) where n % divisor == 0 { return false }
    return true
}
