import Futures
import Statistics

private let registry = FunctionRegistry {
    Callable(mean.name) { (numbers: [Double]) throws -> Double in
        guard !numbers.isEmpty else { throw NoNumbers(function: "mean") }
        return numbers.reduce(0, +) / Double(numbers.count)
    }.throwing(NoNumbers.self)
    Callable(median.name) { (numbers: [Double]) throws -> Double in
        guard !numbers.isEmpty else { throw NoNumbers(function: "median") }
        let sorted = numbers.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }.throwing(NoNumbers.self)
    Callable(histogram.name) { (numbers: [Double], parts: Int) -> [Int] in
        var counts = [Int](repeating: 0, count: parts)
        for number in numbers { counts[Int(number * Double(parts))] += 1 }
        return counts
    }
    // For worker-host map.
    Callable("row_mean") { (line: String) throws -> Double in
        let numbers = line.split(separator: " ").compactMap { Double($0) }
        guard !numbers.isEmpty else { throw NoNumbers(function: "row_mean") }
        return numbers.reduce(0, +) / Double(numbers.count)
    }.throwing(NoNumbers.self)
}

/// What worker-host looks for and calls: the only thing of this library that others see.
@c(futures_plugin_main)
public func pluginMain(_ input: Int32, _ output: Int32) -> Int32 {
    WorkerProcess.serve(registry, input: input, output: output)
}
