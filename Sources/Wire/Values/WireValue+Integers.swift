internal import CProto

extension Int: WireValue {
    /// As a signed integer.
    public static func _encode(_ value: Int, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_INT
        slot.pointer.pointee.int_ = Int64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Int {
        try node.integer(Int.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: Int, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendSigned(Int64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Int {
        try decoder.nextInteger(Int.self)
    }

    /// In one piece.
    public static func _encodeArray(_ values: [Int], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_INT64S)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Int] {
        if let numbers = node.numbers(Int.self, FUTURES__WIRE__V1__VALUE__KIND_INT64S) { return Array(numbers) }
        return try node.elements(Int.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [Int], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_INT64S)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Int] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_INT64S)
    }
}

extension Int64: WireValue {
    /// As a signed integer.
    public static func _encode(_ value: Int64, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_INT
        slot.pointer.pointee.int_ = Int64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Int64 {
        try node.integer(Int64.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: Int64, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendSigned(Int64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Int64 {
        try decoder.nextInteger(Int64.self)
    }

    /// In one piece.
    public static func _encodeArray(_ values: [Int64], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_INT64S)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Int64] {
        if let numbers = node.numbers(Int64.self, FUTURES__WIRE__V1__VALUE__KIND_INT64S) { return Array(numbers) }
        return try node.elements(Int64.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [Int64], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_INT64S)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Int64] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_INT64S)
    }
}

extension UInt: WireValue {
    /// As an unsigned integer.
    public static func _encode(_ value: UInt, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_UINT
        slot.pointer.pointee.uint = UInt64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> UInt {
        try node.integer(UInt.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: UInt, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendUnsigned(UInt64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> UInt {
        try decoder.nextInteger(UInt.self)
    }

    /// In one piece.
    public static func _encodeArray(_ values: [UInt], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_UINT64S)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [UInt] {
        if let numbers = node.numbers(UInt.self, FUTURES__WIRE__V1__VALUE__KIND_UINT64S) { return Array(numbers) }
        return try node.elements(UInt.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [UInt], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_UINT64S)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [UInt] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_UINT64S)
    }
}

extension UInt64: WireValue {
    /// As an unsigned integer.
    public static func _encode(_ value: UInt64, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_UINT
        slot.pointer.pointee.uint = UInt64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> UInt64 {
        try node.integer(UInt64.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: UInt64, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendUnsigned(UInt64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> UInt64 {
        try decoder.nextInteger(UInt64.self)
    }

    /// In one piece.
    public static func _encodeArray(_ values: [UInt64], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_UINT64S)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [UInt64] {
        if let numbers = node.numbers(UInt64.self, FUTURES__WIRE__V1__VALUE__KIND_UINT64S) { return Array(numbers) }
        return try node.elements(UInt64.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [UInt64], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_UINT64S)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [UInt64] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_UINT64S)
    }
}

extension Int32: WireValue {
    /// As a signed integer.
    public static func _encode(_ value: Int32, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_INT
        slot.pointer.pointee.int_ = Int64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Int32 {
        try node.integer(Int32.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: Int32, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendSigned(Int64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Int32 {
        try decoder.nextInteger(Int32.self)
    }

    /// In one piece.
    public static func _encodeArray(_ values: [Int32], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_INT32S)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Int32] {
        if let numbers = node.numbers(Int32.self, FUTURES__WIRE__V1__VALUE__KIND_INT32S) { return Array(numbers) }
        return try node.elements(Int32.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [Int32], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_INT32S)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [Int32] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_INT32S)
    }
}

extension UInt32: WireValue {
    /// As an unsigned integer.
    public static func _encode(_ value: UInt32, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_UINT
        slot.pointer.pointee.uint = UInt64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> UInt32 {
        try node.integer(UInt32.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: UInt32, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendUnsigned(UInt64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> UInt32 {
        try decoder.nextInteger(UInt32.self)
    }

    /// In one piece.
    public static func _encodeArray(_ values: [UInt32], into slot: ValueSlot) {
        slot.setNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_UINT32S)
    }

    /// In one piece, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [UInt32] {
        if let numbers = node.numbers(UInt32.self, FUTURES__WIRE__V1__VALUE__KIND_UINT32S) { return Array(numbers) }
        return try node.elements(UInt32.self)
    }

    /// In one piece, from the array's own memory.
    public static func _appendArray(_ values: [UInt32], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values, FUTURES__WIRE__V1__VALUE__KIND_UINT32S)
    }

    /// In one piece, or from a list.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [UInt32] {
        try decoder.nextNumbers(FUTURES__WIRE__V1__VALUE__KIND_UINT32S)
    }
}

extension Int16: WireValue {
    /// As a signed integer.
    public static func _encode(_ value: Int16, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_INT
        slot.pointer.pointee.int_ = Int64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Int16 {
        try node.integer(Int16.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: Int16, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendSigned(Int64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Int16 {
        try decoder.nextInteger(Int16.self)
    }

    /// As an array of Int32.
    public static func _encodeArray(_ values: [Int16], into slot: ValueSlot) {
        slot.setNumbers(values.map(Int32.init), FUTURES__WIRE__V1__VALUE__KIND_INT32S)
    }

    /// From an array of Int32 that fit, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [Int16] {
        guard let numbers = node.numbers(Int32.self, FUTURES__WIRE__V1__VALUE__KIND_INT32S) else {
            return try node.elements(Int16.self)
        }
        var values: [Int16] = []
        values.reserveCapacity(numbers.count)
        for number in numbers {
            guard let value = Int16(exactly: number) else { throw .numberOutOfRange(value: "\(number)", type: "Int16") }
            values.append(value)
        }
        return values
    }

    /// As an array of Int32.
    public static func _appendArray(_ values: [Int16], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values.map(Int32.init), FUTURES__WIRE__V1__VALUE__KIND_INT32S)
    }
}

extension UInt16: WireValue {
    /// As an unsigned integer.
    public static func _encode(_ value: UInt16, into slot: ValueSlot) {
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_UINT
        slot.pointer.pointee.uint = UInt64(value)
    }

    /// From an integer that fits.
    public static func _decode(_ node: ValueNode) throws(WireError) -> UInt16 {
        try node.integer(UInt16.self)
    }

    /// Straight into the payload.
    public static func _append(_ value: UInt16, to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendUnsigned(UInt64(value))
    }

    /// From an integer that fits.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> UInt16 {
        try decoder.nextInteger(UInt16.self)
    }

    /// As an array of UInt32.
    public static func _encodeArray(_ values: [UInt16], into slot: ValueSlot) {
        slot.setNumbers(values.map(UInt32.init), FUTURES__WIRE__V1__VALUE__KIND_UINT32S)
    }

    /// From an array of UInt32 that fit, or from a list.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [UInt16] {
        guard let numbers = node.numbers(UInt32.self, FUTURES__WIRE__V1__VALUE__KIND_UINT32S) else {
            return try node.elements(UInt16.self)
        }
        var values: [UInt16] = []
        values.reserveCapacity(numbers.count)
        for number in numbers {
            guard let value = UInt16(exactly: number) else {
                throw .numberOutOfRange(value: "\(number)", type: "UInt16")
            }
            values.append(value)
        }
        return values
    }

    /// As an array of UInt32.
    public static func _appendArray(_ values: [UInt16], to encoder: inout PayloadEncoder) throws(WireError) {
        try encoder.appendNumbers(values.map(UInt32.init), FUTURES__WIRE__V1__VALUE__KIND_UINT32S)
    }
}
