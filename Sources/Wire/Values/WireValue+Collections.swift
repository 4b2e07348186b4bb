internal import CProto

extension String: WireValue {
    /// As text.
    public static func _encode(_ value: String, into slot: ValueSlot) {
        var value = value
        slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_TEXT
        slot.pointer.pointee.text = value.withUTF8 { futures_bytes_copy(slot.arena, $0.baseAddress, $0.count) }
    }

    /// From text, which has to be valid UTF-8.
    public static func _decode(_ node: ValueNode) throws(WireError) -> String {
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_TEXT else { throw node.mismatch("text") }
        return try node.pointer.pointee.text.text("a text")
    }

    /// As an array of text.
    public static func _encodeArray(_ values: [String], into slot: ValueSlot) {
        let texts = futures_value_make_texts(slot.arena, slot.pointer, values.count)
        for index in values.indices {
            var value = values[index]
            texts![index] = value.withUTF8 { futures_bytes_copy(slot.arena, $0.baseAddress, $0.count) }
        }
    }

    /// From an array of text, or a list of texts.
    public static func _decodeArray(_ node: ValueNode) throws(WireError) -> [String] {
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_TEXTS, let texts = node.pointer.pointee.texts else {
            let list = try node.list("an array of text")
            var values: [String] = []
            values.reserveCapacity(list.count)
            for element in list { values.append(try _decode(ValueNode(pointer: element!))) }
            return values
        }
        var values: [String] = []
        values.reserveCapacity(texts.pointee.n_values)
        for index in 0..<texts.pointee.n_values {
            values.append(try texts.pointee.values[index].text("text \(index) of an array"))
        }
        return values
    }

    /// Straight into the payload.
    public static func _append(_ value: String, to encoder: inout PayloadEncoder) throws(WireError) {
        var value = value
        let outcome = value.withUTF8 { utf8 in
            Result { () throws(WireError) in
                try encoder.append(
                    kind: FUTURES__WIRE__V1__VALUE__KIND_TEXT, isArray: false, UnsafeRawBufferPointer(utf8),
                    type: "String")
            }
        }
        try outcome.get()
    }

    /// From text where it lies.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> String {
        try decoder.nextText()
    }

    /// From an array of text where it lies, or from a list of texts.
    public static func _nextArray(from decoder: inout PayloadDecoder) throws(WireError) -> [String] {
        try decoder.nextTexts()
    }
}

extension Array: WireValue where Element: WireValue {
    /// In the form that arrays of the element have.
    public static func _encode(_ value: [Element], into slot: ValueSlot) {
        Element._encodeArray(value, into: slot)
    }

    /// From the form that arrays of the element have.
    public static func _decode(_ node: ValueNode) throws(WireError) -> [Element] {
        try Element._decodeArray(node)
    }

    /// In the form that arrays of the element have.
    public static func _append(_ value: [Element], to encoder: inout PayloadEncoder) throws(WireError) {
        try Element._appendArray(value, to: &encoder)
    }

    /// From the form that arrays of the element have.
    public static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> [Element] {
        try Element._nextArray(from: &decoder)
    }
}

extension Optional: WireValue where Wrapped: WireValue {
    /// As what is wrapped, or as null with the number of optionals around it. An empty place holds, in `null`, how many
    /// there are already.
    public static func _encode(_ value: Wrapped?, into slot: ValueSlot) {
        slot.pointer.pointee.null += 1
        if let value {
            Wrapped._encode(value, into: slot)
        } else {
            slot.pointer.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_NULL
        }
    }

    /// Nil from null of one level, else what is wrapped.
    public static func _decode(_ node: ValueNode) throws(WireError) -> Wrapped? {
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_NULL else { return try Wrapped._decode(node) }
        if node.pointer.pointee.null <= 1 { return .none }
        node.pointer.pointee.null -= 1
        defer { node.pointer.pointee.null += 1 }
        return try Wrapped._decode(node)
    }
}
