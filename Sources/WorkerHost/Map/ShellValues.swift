import Futures

/// What functions for the shell may take.
protocol ShellInput: Codable, Sendable {
    /// How many records of the input one is.
    static var kind: ShellInputKind { get }
    /// Whether it is the chunk itself, whose bytes the function reads.
    static var readsChunks: Bool { get }
    static func elements(of chunk: RecordChunk) throws -> [Self]
}

extension ShellInput {
    static var readsChunks: Bool { false }
}

enum ShellInputKind { case record, block }

extension String: ShellInput {
    static var kind: ShellInputKind { .record }
    static func elements(of chunk: RecordChunk) throws -> [String] { try chunk.texts() }
}

extension Array: ShellInput where Element: ShellBlockElement {
    static var kind: ShellInputKind { .block }
    static func elements(of chunk: RecordChunk) throws -> [[Element]] { [try Element.block(chunk)] }
}

/// What arrays for the shell may have.
protocol ShellBlockElement: Codable, Sendable {
    static func block(_ chunk: RecordChunk) throws -> [Self]
}

extension UInt8: ShellBlockElement {
    static func block(_ chunk: RecordChunk) throws -> [UInt8] {
        if case .bytes(let bytes, _) = chunk.content { return bytes }
        return try chunk.withBytes { Array($0) }
    }
}

extension String: ShellBlockElement {
    static func block(_ chunk: RecordChunk) throws -> [String] { try chunk.texts() }
}

extension RecordChunk {
    /// Its records; where a file is one, an empty one, too.
    fileprivate func texts() throws -> [String] { length == 0 && format == .whole ? [""] : try strings() }
}

extension RecordChunk: ShellInput {
    static var kind: ShellInputKind { .block }
    static var readsChunks: Bool { true }
    static func elements(of chunk: RecordChunk) -> [RecordChunk] { [chunk] }
}

/// What functions for the shell may return.
protocol ShellOutput: Codable, Sendable {
    func appendText(to bytes: inout [UInt8])
    /// Whether all values are numbers, lists of them, or nothing.
    static var isNumeric: Bool { get }
    /// The numbers that it is.
    var numbers: [ShellNumber] { get }
}

extension ShellOutput {
    static var isNumeric: Bool { false }
    var numbers: [ShellNumber] { [] }
}

/// A number of either kind, for sums.
enum ShellNumber: CustomStringConvertible {
    case whole(Int)
    case fraction(Double)

    /// Beyond what an `Int` holds it goes on as a fraction.
    static func + (left: ShellNumber, right: ShellNumber) -> ShellNumber {
        if case (.whole(let a), .whole(let b)) = (left, right) {
            let (sum, overflow) = a.addingReportingOverflow(b)
            if !overflow { return .whole(sum) }
        }
        return .fraction(left.value + right.value)
    }

    private var value: Double {
        switch self {
        case .whole(let number): Double(number)
        case .fraction(let number): number
        }
    }

    var description: String {
        switch self {
        case .whole(let number): "\(number)"
        case .fraction(let number): "\(number)"
        }
    }
}

private let newline = UInt8(ascii: "\n")

extension String: ShellOutput {
    func appendText(to bytes: inout [UInt8]) {
        bytes += Array(utf8)
        if bytes.last != newline || isEmpty { bytes.append(newline) }
    }
}

extension Int: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { "\(self)".appendText(to: &bytes) }
    static var isNumeric: Bool { true }
    var numbers: [ShellNumber] { [.whole(self)] }
}

extension Double: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { "\(self)".appendText(to: &bytes) }
    static var isNumeric: Bool { true }
    var numbers: [ShellNumber] { [.fraction(self)] }
}

extension Bool: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { "\(self)".appendText(to: &bytes) }
}

/// What arrays as results may have.
protocol ShellOutputElement: Codable, Sendable {
    static func append(_ elements: [Self], to bytes: inout [UInt8])
    /// Whether all values are numbers.
    static var isNumber: Bool { get }
    var number: ShellNumber? { get }
}

extension ShellOutputElement {
    static var isNumber: Bool { false }
    var number: ShellNumber? { nil }
}

extension UInt8: ShellOutputElement {
    static func append(_ elements: [UInt8], to bytes: inout [UInt8]) { bytes += elements }
}

extension String: ShellOutputElement {
    static func append(_ elements: [String], to bytes: inout [UInt8]) {
        for element in elements { element.appendText(to: &bytes) }
    }
}

extension Int: ShellOutputElement {
    static func append(_ elements: [Int], to bytes: inout [UInt8]) {
        elements.map { "\($0)" }.joined(separator: " ").appendText(to: &bytes)
    }
    static var isNumber: Bool { true }
    var number: ShellNumber? { .whole(self) }
}

extension Double: ShellOutputElement {
    static func append(_ elements: [Double], to bytes: inout [UInt8]) {
        elements.map { "\($0)" }.joined(separator: " ").appendText(to: &bytes)
    }
    static var isNumber: Bool { true }
    var number: ShellNumber? { .fraction(self) }
}

extension Array: ShellOutput where Element: ShellOutputElement {
    func appendText(to bytes: inout [UInt8]) { Element.append(self, to: &bytes) }
    static var isNumeric: Bool { Element.isNumber }
    var numbers: [ShellNumber] { compactMap(\.number) }
}

extension Optional: ShellOutput where Wrapped: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { self?.appendText(to: &bytes) }
    static var isNumeric: Bool { Wrapped.isNumeric }
    var numbers: [ShellNumber] { self?.numbers ?? [] }
}
