internal import CProto

// Numbers and Bool: single ones by hand, arrays straight from and to their own memory.

extension PayloadEncoder {
    /// Appends a signed integer.
    @inline(__always)
    mutating func appendSigned(_ value: Int64) throws(WireError) {
        // sint64: the sign goes into the lowest bit.
        let number = UInt64(bitPattern: value << 1 ^ value >> 63)
        try appendNumber { futures_put_varint_argument($0, FUTURES__WIRE__V1__VALUE__KIND_INT.rawValue, number) }
    }

    /// Appends an unsigned integer.
    @inline(__always)
    mutating func appendUnsigned(_ value: UInt64) throws(WireError) {
        try appendNumber { futures_put_fixed64_argument($0, FUTURES__WIRE__V1__VALUE__KIND_UINT.rawValue, value) }
    }

    @inline(__always)
    mutating func append(_ value: Double) throws(WireError) {
        try appendNumber {
            futures_put_fixed64_argument($0, FUTURES__WIRE__V1__VALUE__KIND_DOUBLE.rawValue, value.bitPattern)
        }
    }

    @inline(__always)
    mutating func append(_ value: Float) throws(WireError) {
        try appendNumber {
            futures_put_fixed32_argument($0, FUTURES__WIRE__V1__VALUE__KIND_FLOAT.rawValue, value.bitPattern)
        }
    }

    @inline(__always)
    mutating func append(_ value: Bool) throws(WireError) {
        try appendNumber {
            futures_put_varint_argument($0, FUTURES__WIRE__V1__VALUE__KIND_BOOL.rawValue, value ? 1 : 0)
        }
    }

    /// Appends nothing, as a value.
    @inline(__always)
    mutating func appendNull() throws(WireError) {
        try appendNumber { futures_put_varint_argument($0, FUTURES__WIRE__V1__VALUE__KIND_NULL.rawValue, 1) }
    }

    /// Appends the elements of an array as they lie in memory.
    @inline(__always)
    mutating func appendNumbers<T: WireValue>(
        _ values: [T], _ kind: Futures__Wire__V1__Value__KindCase, isArray: Bool = true
    ) throws(WireError) {
        try values.span.withUnsafeBufferPointer { content throws(WireError) in
            try append(kind: kind, isArray: isArray, UnsafeRawBufferPointer(content), type: "[\(T.self)]")
        }
    }
}

extension ValueSlot {
    @inline(__always)
    func setNumbers<T>(_ values: [T], _ kind: Futures__Wire__V1__Value__KindCase) {
        values.withUnsafeBytes {
            futures_value_make_numbers(
                arena, pointer, kind.rawValue, $0.baseAddress, values.count, MemoryLayout<T>.stride)
        }
    }

    @inline(__always)
    func setBytes<T>(_ values: [T]) {
        pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_BYTES
        pointer.pointee.bytes = values.withUnsafeBytes {
            futures_bytes_copy(arena, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
        }
    }
}

extension ValueNode {
    /// An integer of any kind, if it fits.
    @inline(__always)
    func integer<T: FixedWidthInteger>(_ type: T.Type) throws(WireError) -> T {
        switch kind {
        case FUTURES__WIRE__V1__VALUE__KIND_INT:
            let value = pointer.pointee.int_
            if let exact = T(exactly: value) { return exact }
            throw .numberOutOfRange(value: "\(value)", type: "\(T.self)")
        case FUTURES__WIRE__V1__VALUE__KIND_UINT, ValueNode.octet:
            let value = pointer.pointee.uint
            if let exact = T(exactly: value) { return exact }
            throw .numberOutOfRange(value: "\(value)", type: "\(T.self)")
        default:
            throw mismatch("an integer")
        }
    }

    /// The elements of an array of numbers of that kind; nil if it is another kind.
    @inline(__always)
    func numbers<T: BitwiseCopyable>(
        _ type: T.Type, _ wanted: Futures__Wire__V1__Value__KindCase
    ) -> UnsafeBufferPointer<T>? {
        guard kind == wanted else { return nil }
        let numbers = futures_value_numbers(pointer)
        return UnsafeBufferPointer(start: numbers.elements?.assumingMemoryBound(to: T.self), count: numbers.count)
    }

    /// The elements of a list, one value each.
    @inline(__always)
    func elements<T: WireValue>(_ type: T.Type) throws(WireError) -> [T] {
        let list = try list("an array of \(T.self)")
        var values: [T] = []
        values.reserveCapacity(list.count)
        for element in list { values.append(try T._decode(ValueNode(pointer: element!))) }
        return values
    }
}
