import Wire

/// The results of a chunk as a frame of the wire, as a worker would send them.
struct OutcomeCodec<Output: Sendable>: Sendable {
    let functionName: String
    let output: ValueCodec<Output>
    let errors: [ErrorCodec]

    func encode(_ outcome: ChunkOutcome<Output>, first: Int) throws -> [UInt8] {
        var encoder = PayloadEncoder()
        try output.encodeColumn(outcome.values, into: &encoder)
        let payload = encoder.finish()
        let failures = outcome.failures.map {
            ElementFailure(index: UInt32($0.index), failure: description(of: $0.error))
        }
        var buffer = FrameBuffer()
        // What is written can be read.
        buffer.maxPayloadSize = WireLimits.default.maxPayloadSize
        buffer.maxMessageSize = WireLimits.default.maxMessageSize
        try buffer.append(
            .chunkResult(
                ChunkResultMessage(
                    id: UInt64(first), format: payload.format, count: UInt32(outcome.count),
                    runNanoseconds: UInt64(max(0, outcome.measurement.runTime ?? 0)), failures: failures)),
            payload: payload)
        var bytes: [UInt8] = []
        while !buffer.isEmpty {
            let before = bytes.count
            buffer.withFirstBytes { bytes += $0 }
            buffer.removeFirst(bytes.count - before)
        }
        return bytes
    }

    /// What was a worker's description stays that.
    private func description(of error: any Error) -> FailureDescription {
        if let error = error as? RemoteError {
            return FailureDescription(
                place: .running, typeName: error.typeName, message: error.message, detail: error.detail, payload: nil,
                backtrace: error.backtrace)
        }
        return FailureDescription(error, at: .running, encodedBy: errors)
    }

    /// - Throws: for what is no frame with the results of so many elements.
    func decode(_ frame: [UInt8], count: Int) throws -> ChunkOutcome<Output> {
        var decoder = FrameDecoder()
        frame.withUnsafeBytes { decoder.append($0) }
        var outcome: ChunkOutcome<Output>?
        _ = try decoder.withNextFrame { outcome = try decode($0, count: count, byteCount: frame.count) }
        guard let outcome else { throw WireError.missingValue(position: 0, count: 1) }
        return outcome
    }

    private func decode(_ frame: FrameView, count: Int, byteCount: Int) throws -> ChunkOutcome<Output> {
        guard case .chunkResult(let message) = try Message(decoding: frame, limits: .default) else {
            throw WireError.unexpectedFrame(kind: frame.kind, expected: "chunk result")
        }
        guard Int(message.count) == count, message.failures.count <= count else {
            throw WireError.wrongColumnCount(expected: count, found: Int(message.count))
        }
        let origin = AnswerOrigin(pid: 0, limits: .default)
        var last = -1
        let failures = try message.failures.map { failure in
            let index = Int(failure.index)
            guard index > last, index < count else { throw WireError.wrongColumnCount(expected: count, found: index) }
            last = index
            return (
                index: index,
                error: failure.failure.error(functionName: functionName, codecs: errors, from: origin)
            )
        }
        var decoder = try PayloadDecoder(frame, format: message.format, limits: .default)
        let values = try output.decodeColumn(count: count - failures.count, from: &decoder)
        try decoder.finish()
        return ChunkOutcome(
            values: values, failures: failures,
            measurement: PartMeasurement(
                runTime: Int64(clamping: message.runNanoseconds), resultBytes: byteCount))
    }
}
