import Testing
import Wire

/// Every kind of message with all its fields set, and with as few as possible.
///
/// Made anew each time: the address sanitizer takes what a global enum holds for a leak, since it does not know pointers
/// whose unused bits say which case it is.
var sampleMessages: [Message] {
    let raw = PayloadFormat.raw
    let zlib = PayloadFormat(encoding: .values, compression: .zlib, decompressedSize: 1 << 40)
    let limits = WireLimits(
        maxMessageSize: 1, maxPayloadSize: 2, maxDecompressedSize: 3, maxMemory: 4, maxDepth: 5, maxCount: 6)
    let failure = FailureDescription(
        place: .running, typeName: "Shop.OutOfStock", message: "keine Äpfel \u{0} mehr", detail: "🍎",
        payload: [1, 2, 3],
        backtrace: ["frame 0", "", "frame 2"])
    let bare = FailureDescription(place: .refused, typeName: "", message: "")
    return [
        .hello(Hello()),
        .hello(
            Hello(
                wireVersion: 7, minimumWireVersion: 3, limits: limits, capabilities: ["shared-memory", ""],
                workerID: .max, compression: .zlib(level: 9, threshold: 12345), journalDescriptor: 5,
                spinNanoseconds: .max)),
        .welcome(Welcome(pid: 0, functions: [])),
        .welcome(
            Welcome(
                wireVersion: 1, pid: -1,
                functions: [
                    FunctionDescription(name: "pow", signature: "(Int, Int) -> Int", fingerprint: .max),
                    FunctionDescription(name: "", signature: "", fingerprint: 0),
                ], capabilities: ["a"], limits: limits, error: "no such version",
                probe: MemoryProbe(address: .max, number: .max))),
        .task(TaskMessage(id: 0, attempt: 0, function: 0)),
        .task(TaskMessage(id: .max, attempt: .max, function: .max, format: zlib)),
        .chunk(ChunkMessage(id: 1, function: 2, count: 1)),
        .chunk(ChunkMessage(id: 1, function: 2, count: 9, ranges: [0..<1, 3..<8], isInParts: true)),
        .chunk(ChunkMessage(id: 1, function: 2, count: 1 << 24, ranges: [(1 << 24) - 1..<1 << 24])),
        .chunk(ChunkMessage(id: .max, attempt: .max, function: .max, format: raw, count: 1 << 24)),
        .result(ResultMessage(id: 0)),
        .result(ResultMessage(id: .max, attempt: .max, format: raw, runNanoseconds: .max)),
        .chunkResult(ChunkResultMessage(id: 0, count: 1)),
        .chunkResult(
            ChunkResultMessage(
                id: .max, attempt: .max, format: zlib, count: 3, runNanoseconds: .max,
                failures: [ElementFailure(index: 0, failure: failure), ElementFailure(index: 2, failure: bare)],
                part: 3)),
        .failure(FailureMessage(id: 0, failure: bare)),
        .failure(FailureMessage(id: .max, attempt: .max, runNanoseconds: .max, failure: failure)),
        .cancel(CancelMessage(id: 1, kind: .takeBack)), .cancel(CancelMessage(id: 2, attempt: 3, kind: .interrupt)),
        .cancelReply(CancelReply(id: 1, takenBack: true)), .cancelReply(CancelReply(id: 2, takenBack: false)),
        .ping(Ping(nonce: 0)), .ping(Ping(nonce: .max)), .pong(Ping(nonce: 0x0123_4567_89AB_CDEF)),
        .drain(Drain(reason: "")), .drain(Drain(reason: "walltime")),
        .goodbye(Goodbye(reason: .drained)),
        .goodbye(Goodbye(reason: .error, message: "disk full", tasksRun: .max)),
        .room(Room(address: 0)), .room(Room(address: .max)), .taken,
    ]
}

@Suite struct MessageTests {
    @Test("every message arrives as it was sent", arguments: sampleMessages)
    func roundTrips(message: Message) throws {
        #expect(try roundTrip(message) == message)
        let withPayload = try receive(frame(message, payload: [9, 8, 7]))
        #expect(withPayload == [ReceivedFrame(message: message, payload: [9, 8, 7])])
    }

    @Test("the samples have every kind of frame")
    func samplesAreComplete() {
        #expect(Set(sampleMessages.map(\.kind)) == Set(FrameKind.allCases))
    }

    @Test("every place, kind and reason arrives", arguments: FailureDescription.Place.allCases)
    func enumsRoundTrip(place: FailureDescription.Place) throws {
        let failure = Message.failure(
            FailureMessage(id: 1, failure: FailureDescription(place: place, typeName: "E", message: "m")))
        #expect(try roundTrip(failure) == failure)
        for reason in Goodbye.Reason.allCases {
            #expect(try roundTrip(.goodbye(Goodbye(reason: reason))) == .goodbye(Goodbye(reason: reason)))
        }
        for kind in CancelMessage.Kind.allCases {
            let cancel = Message.cancel(CancelMessage(id: 1, kind: kind))
            #expect(try roundTrip(cancel) == cancel)
        }
    }

    @Test("an error without a value differs from one whose value has no bytes")
    func emptyErrorValue() throws {
        for payload in [nil, []] as [[UInt8]?] {
            let description = FailureDescription(place: .running, typeName: "E", message: "m", payload: payload)
            let failure = Message.failure(FailureMessage(id: 1, failure: description))
            #expect(try roundTrip(failure) == failure)
        }
    }
}
