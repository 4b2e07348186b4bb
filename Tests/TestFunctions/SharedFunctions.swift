import Futures
import Glibc

/// Counts how often it is decoded in this process.
public struct CountedTable: Codable, Sendable {
    public let numbers: [Int]

    public init(_ numbers: [Int]) { self.numbers = numbers }

    public init(from decoder: any Decoder) throws {
        timesDecoded += 1
        numbers = try decoder.singleValueContainer().decode([Int].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(numbers)
    }
}
/// Only a worker's one main thread touches it.
nonisolated(unsafe) private var timesDecoded = 0

/// A number of the table, how often it was decoded there, and by which process.
public let lookUp = Callable("look_up") { (table: Shared<CountedTable>, index: Int) in
    [try table.value.numbers[index], timesDecoded, Int(getpid())]
}
/// The handle is a part of what is encoded.
public struct Question: Codable, Sendable {
    public var table: Shared<CountedTable>
    public var index: Int
    public init(table: Shared<CountedTable>, index: Int) { (self.table, self.index) = (table, index) }
}
public let answerQuestion = Callable("answer_question") { (question: Question) in
    try question.table.value.numbers[question.index]
}
/// The handle is a part of what another one stands for.
public let answerShared = Callable("answer_shared") { (question: Shared<Question>) in
    let question = try question.value
    return try question.table.value.numbers[question.index]
}
public let sumShared = Callable("sum_shared") { (bytes: Shared<[UInt8]>) in
    try bytes.withUnsafeBytes { $0.reduce(0) { $0 + Int($1) } }
}
/// A handle, given on to a pool in the worker.
public let sumSharedBelow = Callable("sum_shared_below") { (bytes: Shared<[UInt8]>) in
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    defer { pool.shutdown() }
    return try pool.submit(sumShared, bytes).result(timeout: .seconds(60))
}
public let countShared = Callable("count_shared") { (texts: Shared<[String]>) in try texts.value.count }
public let echoShared = Callable("echo_shared") { (bytes: Shared<[UInt8]>) in bytes }
/// How many shared values the process has mapped.
public let countMappings = Callable("count_mappings") { () in
    guard let file = fopen("/proc/self/maps", "r") else { return -1 }
    defer { fclose(file) }
    var count = 0
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, Int32(line.count), file) != nil {
        if strstr(line, "memfd:futures-shared") != nil { count += 1 }
    }
    return count
}
/// As an initializer: takes the table's first number as its mark.
public let setMarkFromShared = Callable("set_mark_from_shared") { (table: Shared<CountedTable>) in
    sharedMark = try table.value.numbers[0]
}
public let readSharedMark = Callable("read_shared_mark") { () in sharedMark }
nonisolated(unsafe) private var sharedMark = 0

let sharedFunctions = FunctionRegistry {
    lookUp
    answerQuestion
    answerShared
    sumShared
    sumSharedBelow
    countShared
    echoShared
    countMappings
    setMarkFromShared
    readSharedMark
}
