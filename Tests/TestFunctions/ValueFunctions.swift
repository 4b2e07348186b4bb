import Futures

// Callables by the types of their arguments and results.

/// A value with a choice of contents, one of them a value of its own kind.
public indirect enum Shape: Codable, Equatable, Sendable {
    case point
    case circle(radius: Double)
    case group(name: String?, [Shape])
}

/// A value without anything in it.
public struct Nothing: Codable, Equatable, Sendable {
    public init() {}
}

/// Gives back what it gets.
private func echo<Value: Codable & Sendable>(_ name: String) -> Callable<Value, Value> {
    Callable(name) { (value: Value) -> Value in value }
}

public let echoOptional: Callable<Int?, Int?> = echo("echo_optional")
public let echoNestedOptional: Callable<Int??, Int??> = echo("echo_nested_optional")
public let echoOptionals: Callable<[String?], [String?]> = echo("echo_optionals")
public let echoMatrix: Callable<[[Int]], [[Int]]> = echo("echo_matrix")
public let echoCube: Callable<[[[Double]]], [[[Double]]]> = echo("echo_cube")
public let echoTable: Callable<[String: [Int]], [String: [Int]]> = echo("echo_table")
public let echoByNumber: Callable<[Int: [String: Bool]], [Int: [String: Bool]]> = echo("echo_by_number")
public let echoSet: Callable<Set<String>, Set<String>> = echo("echo_set")
public let echoText: Callable<String, String> = echo("echo_text")
public let echoDouble: Callable<Double, Double> = echo("echo_double")
public let echoWide: Callable<UInt64, UInt64> = echo("echo_wide")
public let echoShape: Callable<Shape, Shape> = echo("echo_shape")
public let echoNothing: Callable<Nothing, Nothing> = echo("echo_nothing")
/// Returns an error; it does not throw it.
public let echoError: Callable<Refused, Refused> = echo("echo_error")
/// So many groups within each other.
public let nest = Callable("nest") { (depth: Int) -> Shape in
    (0..<depth).reduce(.point) { shape, _ in .group(name: nil, [shape]) }
}
public let discard = Callable("discard") { (number: Int) -> Void in }

/// Shows each of ten arguments, so that none can take another's place.
public let tellTen = Callable("tell_ten") {
    (
        a: Int, b: String, c: Double, d: Bool, e: [Int], f: String?, g: [String: Int], h: UInt8, i: [[String]], j: Shape
    ) -> [String] in
    let pairs = g.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return ["\(a)", b, "\(c)", "\(d)", "\(e)", f ?? "nil", "\(pairs)", "\(h)", "\(i)", "\(j)"]
}
/// Adds ten numbers, each with a weight of its own.
public let weighTen = Callable("weigh_ten") {
    (a: Int, b: Int, c: Int, d: Int, e: Int, f: Int, g: Int, h: Int, i: Int, j: Int) -> Int in
    let numbers = [a, b, c, d, e, f, g, h, i, j]
    return numbers.enumerated().reduce(0) { $0 + $1.element * ($1.offset + 1) }
}

public let valueFunctions = FunctionRegistry {
    echoOptional
    echoNestedOptional
    echoOptionals
    echoMatrix
    echoCube
    echoTable
    echoByNumber
    echoSet
    echoText
    echoDouble
    echoWide
    echoShape
    echoNothing
    echoError
    nest
    discard
    tellTen
    weighTen
}
