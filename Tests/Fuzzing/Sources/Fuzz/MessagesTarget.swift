import Wire

/// One message of any kind. The first byte is the kind, the second has the limits; the message follows.
enum MessagesTarget: Target {
    static let name = "messages"
    static let longestInput = 16 << 10

    static func seeds() throws -> [[UInt8]] {
        try sampleMessages.map { message in
            var buffer = FrameBuffer()
            try buffer.append(message)
            return [message.kind.rawValue - 1, 0] + buffer.withFirstBytes { Array($0.dropFirst(16)) }
        }
    }

    static func run(_ input: inout Input) {
        let kind = FrameKind(rawValue: 1 + input.byte() % 15)!
        let limits = WireLimits.profile(input.byte())
        _ = read(kind, input.bytes, payload: [1, 2, 3], limits)
    }

    /// The message, if it is one; it must then be possible to send it, and it must arrive as it is.
    static func read(_ kind: FrameKind, _ bytes: [UInt8], payload: [UInt8], _ limits: WireLimits) -> Message? {
        let (outcome, memory) = bytes.withUnsafeBytes { message in
            payload.withUnsafeBytes { payload in
                let view = FrameView(kind: kind, message: message, payload: payload)
                return meteredResult { try Message(decoding: view, limits: limits) }
            }
        }
        let most = limits.mostMemory(unpacking: bytes.count)
        require(memory <= most, "a message of \(bytes.count) bytes took \(memory) bytes; \(most) are enough")
        switch outcome {
        case .failure(let error):
            check(error)
            return nil
        case .success(let message):
            require(message.kind == kind, "a message of kind \(kind) is one of kind \(message.kind)")
            do {
                let again = try sent(message, payload)
                require(again.message == message, "a message has changed: \(message), \(again.message)")
                require(again.payload == payload, "a payload has changed on its way")
            } catch {
                broken("a message was received and cannot be sent: \(error)")
            }
            return message
        }
    }

    /// The message and its payload as they arrive at the other side.
    private static func sent(_ message: Message, _ payload: [UInt8]) throws -> (message: Message, payload: [UInt8]) {
        var buffer = FrameBuffer()
        try payload.withUnsafeBytes { try buffer.append(message, payload: $0) }
        var decoder = FrameDecoder(limits: .greatest)
        buffer.withFirstBytes { decoder.append($0) }
        var arrived: (message: Message, payload: [UInt8])?
        let isWhole = try decoder.withNextFrame { view in
            arrived = (try Message(decoding: view, limits: .greatest), Array(view.payload))
        }
        guard isWhole, let arrived, decoder.bufferedCount == 0 else { broken("a message is not one whole frame") }
        return arrived
    }
}

/// A message of each kind, with something in every field, and some without.
var sampleMessages: [Message] {
    [
        .hello(Hello()),
        .hello(
            Hello(
                wireVersion: 3, minimumWireVersion: 2, limits: WireLimits(maxMessageSize: 5, maxDepth: 7, maxCount: 9),
                capabilities: ["one", ""], workerID: 77, compression: .zlib(level: 6, threshold: 1 << 16))),
        .welcome(Welcome(pid: 4711, functions: [])),
        .welcome(
            Welcome(
                pid: -1,
                functions: [
                    FunctionDescription(name: "f", signature: "(Int) -> Int", fingerprint: .max),
                    FunctionDescription(name: "é", signature: "() -> ()", fingerprint: 1),
                ], capabilities: ["one"], error: "no", probe: MemoryProbe(address: 1 << 40, number: 7))),
        .task(TaskMessage(id: 1, function: 0)),
        .task(TaskMessage(id: .max, attempt: .max, function: 12, format: .raw)),
        .chunk(ChunkMessage(id: 2, function: 40, count: 3)),
        .result(ResultMessage(id: 3, attempt: 2, runNanoseconds: 1_000_000)),
        .result(
            ResultMessage(id: 3, format: PayloadFormat(encoding: .values, compression: .zlib, decompressedSize: 100))),
        .chunkResult(ChunkResultMessage(id: 4, count: 2)),
        .chunkResult(
            ChunkResultMessage(
                id: 4, attempt: 1, count: 5, runNanoseconds: 9,
                failures: [
                    ElementFailure(index: 0, failure: FailureDescription(place: .running, typeName: "E", message: "m")),
                    ElementFailure(index: 4, failure: FailureDescription(place: .refused, typeName: "", message: "")),
                ])),
        .failure(
            FailureMessage(
                id: 5, runNanoseconds: 8,
                failure: FailureDescription(
                    place: .encodingResult, typeName: "Module.E", message: "broken", detail: "E(1)",
                    payload: [10, 2, 16, 2], backtrace: ["main", ""]))),
        .cancel(CancelMessage(id: 6, kind: .takeBack)),
        .cancel(CancelMessage(id: 6, attempt: 3, kind: .interrupt)),
        .cancelReply(CancelReply(id: 6, takenBack: true)),
        .ping(Ping(nonce: 1)),
        .pong(Ping(nonce: .max)),
        .drain(Drain(reason: "enough")),
        .goodbye(Goodbye(reason: .recycled, message: "tired", tasksRun: 12)),
        .room(Room(address: 1 << 47)), .taken,
    ]
}
