import Wire

/// How errors of one type that a callable named travel as themselves.
package struct ErrorCodec: Sendable {
    /// The fully qualified type name: what the wire carries, compared with the caller's own list and never looked up.
    package let typeName: String
    package let encode: @Sendable (any Error) -> [UInt8]?
    package let decode: @Sendable ([UInt8], WireLimits) throws -> any Error

    package init<Failure: Error & Codable>(_ type: Failure.Type) {
        let codec = ValueCodec<Failure>()
        typeName = String(reflecting: type)
        encode = { error in
            guard let failure = error as? Failure else { return nil }
            var encoder = PayloadEncoder()
            // An error that cannot be encoded still arrives, as a RemoteError.
            guard (try? codec.encode(failure, into: &encoder)) != nil else { return nil }
            return encoder.finish().bytes
        }
        decode = { bytes, limits in
            try bytes.withUnsafeBytes { raw in
                var decoder = try PayloadDecoder(raw, format: .values, limits: limits)
                return try codec.decode(from: &decoder)
            }
        }
    }
}

extension FailureDescription {
    package init(_ error: any Error, at place: Place, encodedBy codecs: [ErrorCodec]) {
        var payload: [UInt8]?
        for codec in codecs where payload == nil {
            payload = codec.encode(error)
        }
        self.init(
            place: place, typeName: String(reflecting: type(of: error)), message: String(describing: error),
            detail: String(reflecting: error), payload: payload, backtrace: [])
    }
}
