import Futures
import Testing
import Wire

/// What docs/wire-protocol.md shows byte by byte is what the code does.
@Suite struct WireProtocolTests {
    private struct NegativeBase {
        static let failure = FailureDescription(
            place: .running, typeName: "Demo.NegativeBase", message: "NegativeBase(base: -1)",
            detail: "Demo.NegativeBase(base: -1)",
            payload: [0x0A, 12, 0x5A, 10, 0x0A, 4] + Array("base".utf8) + [0x12, 2, 0x10, 1])
    }

    private func payload(_ append: (inout PayloadEncoder) throws -> Void) throws -> Payload {
        var encoder = PayloadEncoder()
        try append(&encoder)
        return encoder.finish()
    }

    private func function<Output, each Input>(
        _ name: String, output: Output.Type, inputs: repeat (each Input).Type
    ) -> FunctionDescription {
        let signature = Signature(output: output, inputs: repeat each inputs)
        return FunctionDescription(
            name: name, signature: signature.description, fingerprint: signature.fingerprint)
    }

    /// The session of the document: who sends, what, and the payload.
    private func session() throws -> [(sender: Character, message: Message, payload: Payload)] {
        let three = try payload {
            try ValueCodec<Int>().encode(3, into: &$0)
            try ValueCodec<Int>().encode(4, into: &$0)
        }
        let columns = try payload {
            try ValueCodec<Int>().encodeColumn([2, 3, -1], into: &$0)
            try ValueCodec<Int>().encodeColumn([10, 2, 5], into: &$0)
        }
        let bytes = try payload { try ValueCodec<[UInt8]>().encode([0xCA, 0xFE], into: &$0) }
        let functions = [
            function("pow", output: Int.self, inputs: Int.self, Int.self),
            function("checksum", output: UInt32.self, inputs: [UInt8].self),
        ]
        let mismatch = FailureDescription(
            place: .decodingArguments, typeName: "Wire.WireError",
            message: "The value is an array of signed 64-bit integers and should be an array of UInt8.")
        return [
            (">", .hello(Hello(workerID: 7)), .empty),
            ("<", .welcome(Welcome(pid: 4242, functions: functions)), .empty),
            (">", .task(TaskMessage(id: 1, function: 0)), three),
            ("<", .result(ResultMessage(id: 1, runNanoseconds: 1200)), try encode(81)),
            (">", .chunk(ChunkMessage(id: 2, function: 0, count: 3)), columns),
            (
                "<",
                .chunkResult(
                    ChunkResultMessage(
                        id: 2, count: 3, runNanoseconds: 5000,
                        failures: [ElementFailure(index: 2, failure: NegativeBase.failure)])), try encode([1024, 9])
            ),
            (">", .task(TaskMessage(id: 3, function: 1, format: .raw)), bytes),
            ("<", .result(ResultMessage(id: 3, runNanoseconds: 800)), try encode(456 as UInt32)),
            (">", .task(TaskMessage(id: 4, function: 1)), try encode([1])),
            ("<", .failure(FailureMessage(id: 4, runNanoseconds: 300, failure: mismatch)), .empty),
            (">", .task(TaskMessage(id: 5, function: 0)), three),
            (">", .task(TaskMessage(id: 6, attempt: 2, function: 0)), three),
            (">", .cancel(CancelMessage(id: 6, attempt: 2, kind: .takeBack)), .empty),
            ("<", .cancelReply(CancelReply(id: 6, attempt: 2, takenBack: true)), .empty),
            ("<", .result(ResultMessage(id: 5, runNanoseconds: 50_000_000)), try encode(81)),
            (">", .ping(Ping(nonce: 0x2A)), .empty),
            ("<", .pong(Ping(nonce: 0x2A)), .empty),
            (">", .drain(Drain(reason: "done")), .empty),
            ("<", .goodbye(Goodbye(reason: .drained, tasksRun: 5)), .empty),
        ]
    }

    @Test("the session is what both sides send, byte by byte")
    func sessionBytes() throws {
        let shown = try Document().frames("session")
        let expected = try session()
        #expect(shown.count == expected.count)
        for (index, (frame, step)) in zip(shown, expected).enumerated() {
            var buffer = FrameBuffer()
            try buffer.append(step.message, payload: step.payload)
            let bytes = buffer.withFirstBytes { Array($0) }
            #expect(frame.sender == step.sender, "frame \(index + 1)")
            #expect(hex(frame.bytes) == hex(bytes), "frame \(index + 1)")
            #expect(
                try receive(frame.bytes) == [ReceivedFrame(message: step.message, payload: step.payload.bytes)],
                "frame \(index + 1)")
        }
    }

    @Test("the values have the bytes that the document shows")
    func valueBytes() throws {
        struct Point: Codable { var x: Int, y: Double? }
        enum Shape: Codable { case point, circle(radius: Int) }
        let expected: [[UInt8]] = [
            try encode(-1).bytes, try encode(3 as UInt8).bytes, try encode("é").bytes, try encode(nil as Int?).bytes,
            try encode(.some(nil) as Int??).bytes, try encode([1, 2] as [Int32]).bytes,
            try encode([1, nil] as [Int?]).bytes,
            try encode(Point(x: 1, y: nil)).bytes, try encode(Shape.point).bytes,
            try encode(Shape.circle(radius: 2)).bytes,
            try encode([5: "a"]).bytes,
        ]
        #expect(try Document().frames("values").map { hex($0.bytes) } == expected.map { hex($0) })
    }

    @Test("the compressed payload is one, and holds the value that the document says")
    func compressedBytes() throws {
        let shown = try Document().frames("compressed")
        let frame = try #require(try receive(shown.flatMap(\.bytes)).first)
        let format = try #require(frame.message.payloadFormat)
        #expect(format.compression == .zlib)
        let payload = Payload(bytes: frame.payload, format: format)
        #expect(try decode(String.self, from: payload) == String(repeating: "a", count: 100))
    }

    @Test("the fingerprints are those of the signatures")
    func fingerprints() throws {
        let rows = try Document().rows(after: "| signature | fingerprint |")
        let signatures = [
            Signature(output: Int.self, inputs: Int.self, Int.self),
            Signature(output: UInt32.self, inputs: [UInt8].self),
            Signature(output: Void.self), Signature(output: Double?.self, inputs: [String: [Double]].self),
        ]
        #expect(
            rows == signatures.map { ["`\($0.description)`", "`0x\(String($0.fingerprint, radix: 16))`"] })
    }

    @Test("the checksum of the document's header is computed as it says")
    func checksum() throws {
        let ping = try Document().frames("checksum").flatMap(\.bytes)
        #expect(ping == (try frame(.ping(Ping(nonce: 1)))))
        #expect(Array(ping[..<16]) == header(kind: 10, messageLength: 9, payloadLength: 0))
    }

    @Test("the kinds and limits in the tables are those of the code")
    func tables() throws {
        let kinds = try Document().rows(after: "| kind | name | from | payload |")
        #expect(kinds.map { "\($0[1]) (\($0[0]))" } == FrameKind.allCases.map(\.description))
        let limits = try Document().rows(after: "| limit | default | of |").map { Array($0[..<2]) }
        let defaults = WireLimits.default
        #expect(
            limits == [
                ["`max_message_size`", "\(defaults.maxMessageSize)"],
                ["`max_payload_size`", "\(defaults.maxPayloadSize)"],
                ["`max_decompressed_size`", "\(defaults.maxDecompressedSize)"],
                ["`max_memory`", "\(defaults.maxMemory)"],
                ["`max_depth`", "\(defaults.maxDepth)"], ["`max_count`", "\(defaults.maxCount)"],
            ])
    }
}

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
