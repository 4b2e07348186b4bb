import Futures
import Glibc

/// What can be mapped without a library.
let builtInFunctions = FunctionRegistry {
    Callable("cat") { (chunk: RecordChunk) -> [UInt8] in try chunk.withBytes { Array($0) } }
    Callable("count") { (chunk: RecordChunk) -> [Int] in try Counts(chunk).columns }
    Callable("exec") { (chunk: RecordChunk, command: String) -> [UInt8] in
        try chunk.withBytes { try ShellCommand(text: command).run($0) }
    }
    Callable("exec_lines") { (chunk: RecordChunk, command: String) -> [UInt8] in
        guard let end = chunk.format.delimiter, chunk.format != .csv() else { throw NoLines() }
        return try LineProgram.answers(of: command, to: chunk, endingWith: end)
    }
    Callable("matching") { (chunk: RecordChunk, pattern: String) -> [UInt8] in
        let expression = try RegularExpression(pattern)
        var found: [UInt8] = []
        try chunk.withBytes { bytes in
            var walk = RecordWalk(chunk.format)
            while let record = walk.next(in: bytes) {
                guard expression.matches(chunk.format.content(of: record)) else { continue }
                found += record
                if let end = chunk.format.delimiter, record.last != end { found.append(end) }
            }
        }
        return found
    }
    Callable("count_matching") { (chunk: RecordChunk, pattern: String) -> Int in
        let expression = try RegularExpression(pattern)
        var count = 0
        try chunk.forEachRecord { if expression.matches($0) { count += 1 } }
        return count
    }
    Callable("sha256") { (chunk: RecordChunk) -> String in try sha256Line(chunk) }
    Callable("gzip") { (chunk: RecordChunk) -> [UInt8] in try chunk.withBytes { try gzipMember($0) } }
    Callable("primes") { (record: String) throws -> String? in
        guard let number = UInt64(record.trimmed) else { throw NotANumber(text: record) }
        return isPrime(number) ? "\(number)" : nil
    }
}

/// What ends a record may be in it as well, or nothing does.
struct NoLines: Error, CustomStringConvertible {
    var description: String { "records that are answered one by one have to be lines, jsonl or null" }
}

/// A record is no whole number.
struct NotANumber: Error, CustomStringConvertible {
    let text: String
    var description: String { "'\(text.prefix(80))' is not a whole number from 0 to \(UInt64.max)" }
}

extension String {
    fileprivate var trimmed: Substring {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace } ?? start
        return start == endIndex ? "" : self[start...end]
    }
}

private func isPrime(_ number: UInt64) -> Bool {
    if number < 4 { return number > 1 }
    if number % 2 == 0 || number % 3 == 0 { return false }
    var divisor: UInt64 = 5
    while divisor <= number / divisor {
        if number % divisor == 0 || number % (divisor + 2) == 0 { return false }
        divisor += 6
    }
    return true
}

/// How many records, words and bytes there are, as wc(1) counts lines, words and bytes.
private struct Counts {
    private var records = 0
    private let words: Int
    private let bytes: Int

    init(_ chunk: RecordChunk) throws {
        bytes = chunk.length
        words = try chunk.withBytes { Self.words(in: $0) }
        try chunk.forEachRecord { _ in records += 1 }
    }

    private static func words(in text: UnsafeRawBufferPointer) -> Int {
        var words = 0
        var isInWord = false
        for byte in text {
            // Space, and the control characters from tab to carriage return.
            let isSpace = byte == 32 || (9...13).contains(byte)
            if isInWord, isSpace { words += 1 }
            isInWord = !isSpace
        }
        if isInWord { words += 1 }
        return words
    }

    var columns: [Int] { [records, words, bytes] }
}
