internal import CProto

// The messages of a call's way, of which there are millions, are numbers only: they are written and read here, in the same
// bytes as protobuf-c's, without its tables (docs/decisions/messages-in-place.md). What is out of the ordinary is left to
// protobuf-c, with the reason if it refuses it.

extension TaskMessage {
    var fields: FuturesFields {
        FuturesFields(
            field: (
                id, UInt64(attempt), UInt64(function), UInt64(format.encoding.rawValue),
                UInt64(format.compression.rawValue), format.decompressedSize, 0
            ))
    }

    fileprivate init?(_ fields: FuturesFields) {
        let field = fields.field
        guard let attempt = UInt32(exactly: field.1), let function = UInt32(exactly: field.2),
            let format = PayloadFormat(field.3, field.4, field.5), field.6 == 0
        else { return nil }
        self.init(id: field.0, attempt: attempt, function: function, format: format)
    }
}

extension ResultMessage {
    var fields: FuturesFields {
        FuturesFields(
            field: (
                id, UInt64(attempt), 0, UInt64(format.encoding.rawValue), UInt64(format.compression.rawValue),
                format.decompressedSize, runNanoseconds
            ))
    }

    fileprivate init?(_ fields: FuturesFields) {
        let field = fields.field
        guard let attempt = UInt32(exactly: field.1), field.2 == 0,
            let format = PayloadFormat(field.3, field.4, field.5)
        else { return nil }
        self.init(id: field.0, attempt: attempt, format: format, runNanoseconds: field.6)
    }
}

extension PayloadFormat {
    fileprivate init?(_ encoding: UInt64, _ compression: UInt64, _ decompressedSize: UInt64) {
        guard let encoding = UInt8(exactly: encoding).flatMap(Encoding.init(rawValue:)),
            let compression = UInt8(exactly: compression).flatMap(Compression.init(rawValue:))
        else { return nil }
        self.init(encoding: encoding, compression: compression, decompressedSize: decompressedSize)
    }
}

extension Message {
    /// Nil for other kinds, and for what has to be looked at closely.
    init?(fieldsOf frame: FrameView, _ limits: WireLimits) {
        guard frame.kind == .task || frame.kind == .result, limits.maxCount >= FUTURES_FIELD_COUNT else { return nil }
        var fields = FuturesFields()
        let bytes = frame.message
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            futures_read_fields(start, bytes.count, &fields)
        else { return nil }
        if frame.kind == .task {
            guard let task = TaskMessage(fields) else { return nil }
            self = .task(task)
        } else {
            guard let result = ResultMessage(fields) else { return nil }
            self = .result(result)
        }
    }
}
