internal import CProto

// Types of one byte: arrays of them travel as bytes.

extension UInt8: WireValue {
    /// As an unsigned integer.
    public static func _encode(_ value: UInt8, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_UINT
        slot.pointer.pointee.uint = UInt64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> UInt8 {
        try node.integer(UInt8.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: UInt8, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendUnsigned(UInt64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> UInt8 {
        try decoder.nextInteger(UInt8.self)
    }

    /// As bytes.
    public static func _encodeArray(_ values: [UInt8], into slot: ValueSlot) {
        slot.setBytes(values)
    }

    /// From bytes, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [UInt8] {
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_BYTES else { return try node.elements(UInt8.self) }
        return Array(node.pointer.pointee.bytes.buffer)
    }

    /// As bytes; alone in a payload, shared with it and not copied.
    public static func _appendArray(_ values: [UInt8], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.append(bytes: values)
    }

    /// From bytes; alone in a payload that is an array, shared with it and not copied.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [UInt8] {
        try decoder.nextBytes()
    }
}

extension Int8: WireValue {
    /// As a signed integer.
    public static func _encode(_ value: Int8, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_INT
        slot.pointer.pointee.int_ = Int64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Int8 {
        if node.kind == ValueNode.octet { return Int8(truncatingIfNeeded: node.pointer.pointee.uint) }
        return try node.integer(Int8.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: Int8, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendSigned(Int64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Int8 {
        try decoder.nextInteger(Int8.self)
    }

    /// As bytes.
    public static func _encodeArray(_ values: [Int8], into slot: ValueSlot) {
        slot.setBytes(values)
    }

    /// From bytes, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Int8] {
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_BYTES else { return try node.elements(Int8.self) }
        return node.pointer.pointee.bytes.buffer.map { Int8(bitPattern: $0) }
    }

    /// As bytes.
    public static func _appendArray(_ values: [Int8], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_BYTES, isArray: false)
    }
}

extension Bool: WireValue {
    /// As a Bool.
    public static func _encode(_ value: Bool, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_BOOL
        slot.pointer.pointee.bool_ = value ? 1 : 0
    }

    /// From a Bool.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Bool {
        if node.kind == ValueNode.octet {
            let number = node.pointer.pointee.uint
            guard number <= 1 else { throw .numberOutOfRange(value: "\(number)", type: "Bool") }
            return number == 1
        }
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_BOOL else { throw node.mismatch("a Bool") }
        return node.pointer.pointee.bool_ != 0
    }

    /// Straight into the payload.
    public static func _append(_ value: Bool, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.append(value)
    }

    /// From a Bool.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Bool {
        try decoder.nextBool()
    }

    /// As bytes, 0 or 1.
    public static func _encodeArray(_ values: [Bool], into slot: ValueSlot) {
        slot.setBytes(values)
    }

    /// From bytes that are 0 or 1, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Bool] {
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_BYTES else { return try node.elements(Bool.self) }
        let bytes = node.pointer.pointee.bytes.buffer
        if let wrong = bytes.first(where: { $0 > 1 }) {
            throw .numberOutOfRange(value: "\(wrong)", type: "Bool")
        }
        return bytes.map { $0 == 1 }
    }

    /// As bytes, 0 or 1.
    public static func _appendArray(_ values: [Bool], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_BYTES, isArray: false)
    }
}
