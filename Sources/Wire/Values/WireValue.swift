internal import CProto

/// A type with a form of its own on the wire, which needs no Codable containers: numbers, Bool, String, and arrays and
/// optionals of them.
///
/// The requirements are for this module; a type of your own is Codable instead. Numbers convert where nothing is lost: an
/// integer is read as any integer type that can hold it, a Float as a Double.
public protocol WireValue: Sendable {
    /// Puts the value into an empty place of a tree of values.
    static func _encode(_ value: Self, into slot: ValueSlot)
    /// Reads a value of a tree.
    static func _decode(_ node: ValueNode) throws(WireError) -> Self
    /// Puts an array into an empty place of a tree of values.
    static func _encodeArray(_ values: [Self], into slot: ValueSlot)
    /// Reads an array.
    static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Self]
    /// Appends the value to a payload.
    static func _append(_ value: Self, to encoder: inout PayloadEncoder) throws(WireError)
    /// Appends an array to a payload.
    static func _appendArray(_ values: [Self], to encoder: inout PayloadEncoder) throws(WireError)
    /// Takes the next value of a payload as an array.
    static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Self]
    /// Takes the next value of a payload.
    static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Self
}

/// A place in a tree of values that has no value yet.
public struct ValueSlot {
    let arena: OpaquePointer
    let pointer: UnsafeMutablePointer<CValue>
}

/// A value in a tree of values.
public struct ValueNode {
    let pointer: UnsafeMutablePointer<CValue>

    var kind: Futures__Wire__V1__Value__KindCase { pointer.pointee.kind_case }

    /// One element of bytes that are read element by element: an UInt8, an Int8 or a Bool, which the bytes do not tell
    /// apart. Only in memory; a peer cannot send it.
    static let octet = Futures__Wire__V1__Value__KindCase(rawValue: 1 << 29)

    /// What it is, with its article.
    var kindDescription: String {
        switch kind {
        case FUTURES__WIRE__V1__VALUE__KIND_NULL: "nil"
        case FUTURES__WIRE__V1__VALUE__KIND_INT: "a signed integer"
        case FUTURES__WIRE__V1__VALUE__KIND_UINT, ValueNode.octet: "an unsigned integer"
        case FUTURES__WIRE__V1__VALUE__KIND_DOUBLE: "a double"
        case FUTURES__WIRE__V1__VALUE__KIND_FLOAT: "a float"
        case FUTURES__WIRE__V1__VALUE__KIND_BOOL: "a Bool"
        case FUTURES__WIRE__V1__VALUE__KIND_TEXT: "text"
        case FUTURES__WIRE__V1__VALUE__KIND_BYTES: "bytes"
        case FUTURES__WIRE__V1__VALUE__KIND_INT64S: "an array of signed 64-bit integers"
        case FUTURES__WIRE__V1__VALUE__KIND_UINT64S: "an array of unsigned 64-bit integers"
        case FUTURES__WIRE__V1__VALUE__KIND_INT32S: "an array of signed 32-bit integers"
        case FUTURES__WIRE__V1__VALUE__KIND_UINT32S: "an array of unsigned 32-bit integers"
        case FUTURES__WIRE__V1__VALUE__KIND_FLOATS: "an array of floats"
        case FUTURES__WIRE__V1__VALUE__KIND_DOUBLES: "an array of doubles"
        case FUTURES__WIRE__V1__VALUE__KIND_TEXTS: "an array of text"
        case FUTURES__WIRE__V1__VALUE__KIND_LIST: "a list"
        case FUTURES__WIRE__V1__VALUE__KIND_RECORD: "a record"
        default: "of a kind that this version does not know"
        }
    }

    func mismatch(_ expected: String) -> WireError {
        .unexpectedValue(expected: expected, found: kindDescription)
    }

    /// The elements of a list.
    func list(_ expected: @autoclosure () -> String) throws(WireError) -> UnsafeBufferPointer<
        UnsafeMutablePointer<CValue>?
    > {
        guard kind == FUTURES__WIRE__V1__VALUE__KIND_LIST, let list = pointer.pointee.list else {
            throw mismatch(expected())
        }
        return UnsafeBufferPointer(start: list.pointee.values, count: list.pointee.n_values)
    }
}

extension WireValue {
    /// As a list with one value for each element.
    public static func _encodeArray(_ values: [Self], into slot: ValueSlot) {
        guard let first = futures_value_make_list(slot.arena, slot.pointer, values.count) else { return }
        for index in values.indices {
            _encode(values[index], into: ValueSlot(arena: slot.arena, pointer: first + index))
        }
    }

    /// From a list with one value for each element.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Self] {
        let list = try node.list("an array of \(Self.self)")
        var values: [Self] = []
        values.reserveCapacity(list.count)
        for element in list { values.append(try _decode(ValueNode(pointer: element!))) }
        return values
    }

    /// Through a tree.
    public static func _append(_ value: Self, to encoder: inout PayloadEncoder) throws(WireError) {
        let arena = Arena()
        let root = futures_value_new(arena.pointer)!
        _encode(value, into: ValueSlot(arena: arena.pointer, pointer: root))
        try encoder.append(root, type: "\(Self.self)")
    }

    /// Through a tree.
    public static func _appendArray(_ values: [Self], to encoder: inout PayloadEncoder) throws(WireError) {
        let arena = Arena()
        let root = futures_value_new(arena.pointer)!
        _encodeArray(values, into: ValueSlot(arena: arena.pointer, pointer: root))
        try encoder.append(root, type: "[\(Self.self)]")
    }

    /// Reads it in place.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Self] {
        try _decodeArray(decoder.next())
    }

    /// Reads it in place.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Self {
        try _decode(decoder.next())
    }
}
