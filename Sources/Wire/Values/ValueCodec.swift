internal import CProto

/// How values of one type travel, decided once, when the codec is made: in a form of their own, or through Codable.
///
/// Values are appended to a payload and taken from it in order. A column is the values of one argument for all elements of
/// a chunk, as one array.
public struct ValueCodec<T>: Sendable {
    private let implementation: CodecImplementation<T>

    fileprivate init(_ implementation: CodecImplementation<T>) {
        self.implementation = implementation
    }

    /// A codec of a Codable type. Types that conform to `WireValue` take the fast path.
    public init() where T: Codable {
        if let wire = T.self as? any WireValue.Type {
            implementation = Self.fastPath(wire)
        } else {
            implementation = CodableCodec<T>()
        }
    }

    private static func fastPath<W: WireValue>(_ type: W.Type) -> CodecImplementation<T> {
        // W is T, which the compiler cannot know.
        unsafeDowncast(WireCodec<W>() as AnyObject, to: CodecImplementation<T>.self)
    }

    /// Appends a value.
    public func encode(_ value: T, into encoder: inout PayloadEncoder) throws {
        try implementation.encode(value, into: &encoder)
    }

    /// Takes the next value.
    public func decode(from decoder: inout PayloadDecoder) throws -> T {
        try implementation.decode(from: &decoder)
    }

    /// Appends the values as one array.
    public func encodeColumn(_ values: [T], into encoder: inout PayloadEncoder) throws {
        try implementation.encodeColumn(values, into: &encoder)
    }

    /// Takes the next value, which has to be an array of `count` elements.
    public func decodeColumn(count: Int, from decoder: inout PayloadDecoder) throws -> [T] {
        var failures: [ColumnFailure] = []
        let values = try decodeColumn(count: count, from: &decoder, failures: &failures)
        if let failure = failures.first { throw failure.error }
        return values
    }

    /// Takes the next value, which has to be an array of `count` elements. One whose `init(from:)` throws fails alone.
    ///
    /// - Parameter failures: gets those, by ascending index.
    /// - Returns: the others.
    public func decodeColumn(
        count: Int, from decoder: inout PayloadDecoder, failures: inout [ColumnFailure]
    ) throws -> [T] {
        try implementation.decodeColumn(count: count, from: &decoder, &failures)
    }
}

/// An element of a column that could not be decoded.
public struct ColumnFailure: Sendable {
    /// Its place in the column.
    public var index: Int
    /// What was thrown.
    public var error: any Error

    /// An element that could not be decoded.
    public init(index: Int, error: any Error) {
        self.index = index
        self.error = error
    }
}

extension ValueCodec where T == Void {
    /// The codec of no value: one null; a column is the number of its elements.
    public static var void: ValueCodec<Void> { ValueCodec(VoidCodec()) }
}

/// The ways of a type. Without state, so that one serves all threads.
private class CodecImplementation<T>: @unchecked Sendable {
    func encode(_ value: T, into encoder: inout PayloadEncoder) throws { fatalError("overridden") }
    func decode(from decoder: inout PayloadDecoder) throws -> T { fatalError("overridden") }
    func encodeColumn(_ values: [T], into encoder: inout PayloadEncoder) throws { fatalError("overridden") }
    func decodeColumn(
        count: Int, from decoder: inout PayloadDecoder, _ failures: inout [ColumnFailure]
    ) throws -> [T] { fatalError("overridden") }
}

private final class WireCodec<T: WireValue>: CodecImplementation<T>, @unchecked Sendable {
    override func encode(_ value: T, into encoder: inout PayloadEncoder) throws {
        try T._append(value, to: &encoder)
    }

    override func decode(from decoder: inout PayloadDecoder) throws -> T {
        try T._next(from: &decoder)
    }

    override func encodeColumn(_ values: [T], into encoder: inout PayloadEncoder) throws {
        try T._appendArray(values, to: &encoder)
    }

    /// No type of these refuses a value by itself: what does not decode is no column of it.
    override func decodeColumn(
        count: Int, from decoder: inout PayloadDecoder, _ failures: inout [ColumnFailure]
    ) throws -> [T] {
        let values = try T._nextArray(from: &decoder)
        guard values.count == count else { throw WireError.wrongColumnCount(expected: count, found: values.count) }
        return values
    }
}

private final class CodableCodec<T: Codable>: CodecImplementation<T>, @unchecked Sendable {
    override func encode(_ value: T, into encoder: inout PayloadEncoder) throws {
        try withTree(&encoder) { state, root in try state.encode(value, into: root, nil, nil) }
    }

    override func decode(from decoder: inout PayloadDecoder) throws -> T {
        let tree = try decoder.nextForCodable()
        return try tree.state.decode(T.self, from: tree.node, nil, nil)
    }

    override func encodeColumn(_ values: [T], into encoder: inout PayloadEncoder) throws {
        try withTree(&encoder) { state, root in
            guard let first = futures_value_make_list(state.arena, root, values.count) else { return }
            for index in values.indices {
                try state.encode(values[index], into: first + index, nil, ContainerKey.index(index))
            }
        }
    }

    override func decodeColumn(
        count: Int, from decoder: inout PayloadDecoder, _ failures: inout [ColumnFailure]
    ) throws -> [T] {
        let tree = try decoder.nextForCodable()
        let list = try ValueNode(pointer: tree.node).list("a column of \(T.self)")
        guard list.count == count else { throw WireError.wrongColumnCount(expected: count, found: list.count) }
        var values: [T] = []
        values.reserveCapacity(count)
        for (index, element) in list.enumerated() {
            do {
                values.append(try tree.state.decode(T.self, from: element!, nil, ContainerKey.index(index)))
            } catch {
                tree.state.mistake = nil
                failures.append(ColumnFailure(index: index, error: error))
            }
        }
        return values
    }

    /// Builds a tree and appends it.
    private func withTree(
        _ encoder: inout PayloadEncoder, _ build: (EncodingState, UnsafeMutablePointer<CValue>) throws -> Void
    ) throws {
        let state = EncodingState(maxDepth: encoder.maxDepth)
        let root = futures_value_new(state.arena)!
        try build(state, root)
        try state.finish()
        try encoder.append(root, type: "\(T.self)")
    }
}

private final class VoidCodec: CodecImplementation<Void>, @unchecked Sendable {
    override func encode(_ value: Void, into encoder: inout PayloadEncoder) throws {
        try encoder.appendNull()
    }

    override func decode(from decoder: inout PayloadDecoder) throws { try decoder.nextNull() }

    override func encodeColumn(_ values: [Void], into encoder: inout PayloadEncoder) throws {
        try UInt64._append(UInt64(values.count), to: &encoder)
    }

    override func decodeColumn(
        count: Int, from decoder: inout PayloadDecoder, _ failures: inout [ColumnFailure]
    ) throws -> [Void] {
        let found = try UInt64._decode(decoder.next())
        guard found == UInt64(count) else {
            throw WireError.wrongColumnCount(expected: count, found: Int(clamping: found))
        }
        return Array(repeating: (), count: count)
    }
}
