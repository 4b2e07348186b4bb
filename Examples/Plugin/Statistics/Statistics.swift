import Futures

// What the plug-in and the programs that use it both know. Each has its own copy: they meet only on the wire, where a
// function's name and types are compared.

/// There are no numbers to tell anything of.
public struct NoNumbers: Error, Codable, Equatable {
    /// The function that was called.
    public var function: String

    /// The error of a call of `function`.
    public init(function: String) { self.function = function }
}

/// The arithmetic mean. Throws ``NoNumbers``.
public let mean = Callable<Double, [Double]>(external: "mean").throwing(NoNumbers.self)

/// The number in the middle when they are sorted. Throws ``NoNumbers``.
public let median = Callable<Double, [Double]>(external: "median").throwing(NoNumbers.self)

/// How many of the numbers, all from 0 up to 1, are in each of so many equal parts.
public let histogram = Callable<[Int], [Double], Int>(external: "histogram")
