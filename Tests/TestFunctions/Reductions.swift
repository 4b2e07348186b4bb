import Futures
import Glibc

/// The numbers in words, one after the other: what is combined in another order shows.
public let spell = Reduction("spell") { (number: Int) in
    "\(number) "
} combining: {
    $0 += $1
}
public let sumProducts = Reduction("sum_products") { (left: Int, right: Int) in
    left * right
} combining: {
    $0 += $1
}
/// Which processes have combined, and how many elements there are.
public let whoCombines = Reduction("who_combines") { (_: Int) in
    Combined(processes: [], count: 1)
} combining: {
    $0.processes.formUnion($1.processes)
    $0.processes.insert(getpid())
    $0.count += $1.count
}
public struct Combined: Codable, Sendable {
    public var processes: Set<Int32>
    public var count: Int
}
/// Bytes, of which the encoding is they themselves.
public let appendBytes = Reduction("append_bytes") { (byte: UInt8) in
    [byte]
} combining: {
    $0 += $1
}
/// Refuses a code that is not 0, and to combine more than 5 elements.
public let refuseSome = Reduction("refuse_some", refuse.throwing(Refused.self)) { sum, next in
    sum += next + 1
    if sum > 5 { throw Refused(code: 100) }
}
public let awaitAll = Reduction("await_all", awaitFile) { $0 += $1 }
/// Traps at 13, if the file is not there yet, which it makes.
public let trapOnce = Reduction("trap_once") { (number: Int, path: String) in
    if number == 13, access(path, F_OK) != 0 {
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        fatalError("thirteen")
    }
    return number
} combining: {
    $0 += $1
}
/// Notes each call in a file, and makes a ``Fragile`` by the fault's name; of two it keeps the first.
public let collectFragile = Reduction("collect_fragile") { (path: String, fault: String) -> Fragile in
    note(in: path)
    return try makeFragile.call(fault)
} combining: { _, _ in
}

let reductions = FunctionRegistry {
    spell
    sumProducts
    whoCombines
    appendBytes
    refuseSome
    awaitAll
    trapOnce
    collectFragile
}
