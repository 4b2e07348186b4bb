internal import CProto

// Numbers and Bool: single ones through a structure on the stack, arrays straight from and to their own memory.

extension PayloadEncoder {
    /// Appends a value that needs no memory beyond its structure.
    @inline(__always)
    mutating func appendPlain<T: WireValue>(_ value: T) throws(WireError) {
        var root = CValue()
        futures__wire__v1__value__init(&root)
        let encoder = withUnsafeMutablePointer(to: &root) { pointer in
            // A number takes nothing from the arena.
            T._encode(value, into: ValueSlot(arena: OpaquePointer(pointer), pointer: pointer))
            return Result { () throws(WireError) in try append(pointer, type: "\(T.self)") }
        }
        try encoder.get()
    }

    /// Appends the elements of an array as they lie in memory.
    @inline(__always)
    mutating func appendNumbers<T: WireValue>(
        _ values: [T], _ kind: Futures__Wire__V1__Value__KindCase, isArray: Bool = true
    ) throws(WireError) {
        let outcome = values.withUnsafeBytes { content in
            Result { () throws(WireError) in
                try append(kind: kind, isArray: isArray, content, type: "[\(T.self)]")
            }
        }
        try outcome.get()
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
        case FUTURES__WIRE__V1__VALUE__KIND_UINT:
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
