import Futures

/// What functions for the shell may take.
protocol ShellInput: Codable, Sendable {
    /// How many records of the input one is.
    static var kind: ShellInputKind { get }
    static func elements(of chunk: RecordChunk) throws -> [Self]
    /// The records as they were in the input, but for the ends of single ones.
    func appendRecords(to bytes: inout [UInt8], _ format: RecordFormat) throws
}

enum ShellInputKind { case record, block }

extension String: ShellInput {
    static var kind: ShellInputKind { .record }
    static func elements(of chunk: RecordChunk) throws -> [String] { try chunk.strings() }
    func appendRecords(to bytes: inout [UInt8], _ format: RecordFormat) {
        bytes += Array(utf8)
        bytes += format.recordEnd
    }
}

extension Array: ShellInput where Element: ShellBlockElement {
    static var kind: ShellInputKind { .block }
    static func elements(of chunk: RecordChunk) throws -> [[Element]] { [try Element.block(chunk)] }
    func appendRecords(to bytes: inout [UInt8], _ format: RecordFormat) throws {
        for element in self { element.append(to: &bytes, format) }
    }
}

/// What arrays for the shell may have.
protocol ShellBlockElement: Codable, Sendable {
    static func block(_ chunk: RecordChunk) throws -> [Self]
    func append(to bytes: inout [UInt8], _ format: RecordFormat)
}

extension UInt8: ShellBlockElement {
    static func block(_ chunk: RecordChunk) throws -> [UInt8] {
        if case .bytes(let bytes, _) = chunk.content { return bytes }
        return try chunk.withBytes { Array($0) }
    }
    func append(to bytes: inout [UInt8], _ format: RecordFormat) { bytes.append(self) }
}

extension String: ShellBlockElement {
    static func block(_ chunk: RecordChunk) throws -> [String] { try chunk.strings() }
    func append(to bytes: inout [UInt8], _ format: RecordFormat) { appendRecords(to: &bytes, format) }
}

extension RecordChunk: ShellInput {
    static var kind: ShellInputKind { .block }
    static func elements(of chunk: RecordChunk) -> [RecordChunk] { [chunk] }
    func appendRecords(to bytes: inout [UInt8], _ format: RecordFormat) throws { try withBytes { bytes += $0 } }
}

/// What functions for the shell may return.
protocol ShellOutput: Codable, Sendable {
    func appendText(to bytes: inout [UInt8])
    /// The numbers that it is; nil if it is none.
    var numbers: [ShellNumber]? { get }
}

extension ShellOutput {
    var numbers: [ShellNumber]? { nil }
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
    var numbers: [ShellNumber]? { [.whole(self)] }
}

extension Double: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { "\(self)".appendText(to: &bytes) }
    var numbers: [ShellNumber]? { [.fraction(self)] }
}

extension Bool: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { "\(self)".appendText(to: &bytes) }
}

/// What arrays as results may have.
protocol ShellOutputElement: Codable, Sendable {
    static func append(_ elements: [Self], to bytes: inout [UInt8])
    var number: ShellNumber? { get }
}

extension ShellOutputElement {
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
    var number: ShellNumber? { .whole(self) }
}

extension Double: ShellOutputElement {
    static func append(_ elements: [Double], to bytes: inout [UInt8]) {
        elements.map { "\($0)" }.joined(separator: " ").appendText(to: &bytes)
    }
    var number: ShellNumber? { .fraction(self) }
}

extension Array: ShellOutput where Element: ShellOutputElement {
    func appendText(to bytes: inout [UInt8]) { Element.append(self, to: &bytes) }
    var numbers: [ShellNumber]? {
        let numbers = compactMap(\.number)
        return numbers.count == count ? numbers : nil
    }
}

extension Optional: ShellOutput where Wrapped: ShellOutput {
    func appendText(to bytes: inout [UInt8]) { self?.appendText(to: &bytes) }
    var numbers: [ShellNumber]? { self.map { $0.numbers } ?? [] }
}

extension RecordFormat {
    /// What a record that was taken out of its place is given as an end.
    fileprivate var recordEnd: [UInt8] { delimiter.map { [$0] } ?? [] }
}
