internal import CProto

extension Double: WireValue {
    /// As a double.
    public static func _encode(_ value: Double, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_DOUBLE
        slot.pointer.pointee.double_ = value
    }

    /// From a double or a float.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Double {
        switch node.kind {
        case FUTURES__WIRE__V1__VALUE__KIND_DOUBLE: return node.pointer.pointee.double_
        case FUTURES__WIRE__V1__VALUE__KIND_FLOAT: return Double(node.pointer.pointee.float_)
        default: throw node.mismatch("a double")
        }
    }

    /// Straight into the payload.
    public static func _append(_ value: Double, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.append(value)
    }

    /// From a double or a float.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Double {
        try decoder.nextDouble()
    }

    /// In one piece.
    public static func _encodeArray(_ values: [Double], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_DOUBLES)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Double] {
        if let numbers = node.numbers(Double.self, FUTURES__WIRE__V1__VALUE__KIND_DOUBLES) { return Array(numbers) }
        return try node.elements(Double.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [Double], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_DOUBLES)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Double] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_DOUBLES)
    }
}

extension Float: WireValue {
    /// As a float.
    public static func _encode(_ value: Float, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_FLOAT
        slot.pointer.pointee.float_ = value
    }

    /// From a float, or a double that is one.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Float {
        switch node.kind {
        case FUTURES__WIRE__V1__VALUE__KIND_FLOAT: return node.pointer.pointee.float_
        case FUTURES__WIRE__V1__VALUE__KIND_DOUBLE:
            let value = node.pointer.pointee.double_
            if value.isNaN { return .nan }
            guard let exact = Float(exactly: value) else { throw .numberOutOfRange(value: "\(value)", type: "Float") }
            return exact
        default: throw node.mismatch("a float")
        }
    }

    /// Straight into the payload.
    public static func _append(_ value: Float, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.append(value)
    }

    /// From a float, or a double that is one.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Float {
        try decoder.nextFloat()
    }

    /// In one piece.
    public static func _encodeArray(_ values: [Float], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_FLOATS)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Float] {
        if let numbers = node.numbers(Float.self, FUTURES__WIRE__V1__VALUE__KIND_FLOATS) { return Array(numbers) }
        return try node.elements(Float.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [Float], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_FLOATS)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Float] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_FLOATS)
    }
}
