import Testing
import Wire

/// Messages as another program may send them: fields that are missing, unknown, twice there, or wrong.
@Suite struct ForeignMessageTests {
    /// The message that these fields are read as.
    private func read(_ kind: FrameKind, _ fields: RawMessage, limits: WireLimits = .default) throws -> Message? {
        try receive(frame(kind: kind.rawValue, message: fields.bytes), limits: limits).first?.message
    }

    /// What a reader says to these fields.
    private func refusal(_ kind: FrameKind, _ fields: RawMessage, limits: WireLimits = .default) -> String {
        errorText { try read(kind, fields, limits: limits) }
    }

    private func fields(of message: Message) throws -> [UInt8] { Array(try frame(message)[16...]) }

    @Test("a message without fields has zeros, or is refused where zero is no answer")
    func missingFields() throws {
        let empty = RawMessage()
        #expect(try read(.welcome, empty) == .welcome(Welcome(wireVersion: 0, pid: 0, functions: [])))
        #expect(try read(.task, empty) == .task(TaskMessage(id: 0, attempt: 0, function: 0)))
        #expect(try read(.result, empty) == .result(ResultMessage(id: 0, attempt: 0)))
        #expect(try read(.cancelReply, empty) == .cancelReply(CancelReply(id: 0, attempt: 0, takenBack: false)))
        #expect(try read(.ping, empty) == .ping(Ping(nonce: 0)))
        #expect(try read(.pong, empty) == .pong(Ping(nonce: 0)))
        #expect(try read(.drain, empty) == .drain(Drain(reason: "")))
        #expect(
            refusal(.hello, empty)
                == "The bytes are not a message of kind hello (1): its versions are 0 to 0, which is no range.")
        #expect(
            refusal(.chunk, empty)
                == "The bytes are not a message of kind chunk (4): the count is 0 and has to be 1 to 16777216.")
        #expect(
            refusal(.chunkResult, empty)
                == "The bytes are not a message of kind chunkResult (6): the count is 0 and has to be 1 to 16777216.")
        #expect(
            refusal(.failure, empty)
                == "The bytes are not a message of kind failure (7): the description of the failure is missing.")
        #expect(
            refusal(.cancel, empty)
                == "The bytes are not a message of kind cancel (8): its kind is 0, which this version does not know.")
        #expect(
            refusal(.goodbye, empty)
                == "The bytes are not a message of kind goodbye (13): its reason is 0, which this version does not know."
        )
    }

    @Test("fields that are not known are skipped, whatever their type", arguments: sampleMessages)
    func unknownFields(message: Message) throws {
        let unknown: [[UInt8]] = [
            RawMessage().number(100, .max).bytes,
            RawMessage.varint(101 << 3 | 1) + [1, 2, 3, 4, 5, 6, 7, 8],
            RawMessage().content(1 << 28, [0xFF, 0xFE]).bytes,
            RawMessage.varint(102 << 3 | 5) + [1, 2, 3, 4],
        ]
        let known = try fields(of: message)
        for field in unknown {
            for bytes in [known + field, field + known, field + known + field] {
                #expect(try read(message.kind, RawMessage(bytes: bytes)) == message)
            }
        }
        #expect(try read(message.kind, RawMessage(bytes: known + unknown.flatMap { $0 })) == message)
    }

    @Test("a message cut off anywhere is an error or another message", arguments: sampleMessages)
    func cutOff(message: Message) throws {
        let known = try fields(of: message)
        for count in known.indices {
            do {
                let read = try read(message.kind, RawMessage(bytes: Array(known[..<count])))
                #expect(read?.kind == message.kind)
            } catch {
                #expect("\(error)".hasPrefix("The bytes are not a message of kind \(message.kind): "))
            }
        }
    }

    @Test("of a plain field that is there twice the last counts, as protobuf has it")
    func repeatedPlainFields() throws {
        let task = RawMessage().number(1, 5).number(3, 7).number(1, 6)
        #expect(try read(.task, task) == .task(TaskMessage(id: 6, attempt: 0, function: 7)))
        #expect(try read(.drain, RawMessage().content(1, "a").content(1, "b")) == .drain(Drain(reason: "b")))
    }

    @Test("a message within a message that is there twice is refused")
    func repeatedMessages() {
        let hello = RawMessage().number(1, 1).number(2, 1)
        let limits = RawMessage().number(1, 5)
        let text = "a field that can be there once is there twice"
        #expect(
            refusal(.hello, hello.message(3, limits).message(3, limits))
                == "The bytes are not a message of kind hello (1): \(text) (at byte 8).")
        let failure = RawMessage().number(1, 2)
        #expect(
            refusal(.failure, RawMessage().message(4, failure).message(4, failure))
                == "The bytes are not a message of kind failure (7): \(text) (at byte 4).")
        let twice = RawMessage().number(1, 2).content(5, [1]).content(5, [2])
        #expect(
            refusal(.failure, RawMessage().message(4, twice))
                == "The bytes are not a message of kind failure (7): \(text) (at byte 7).")
    }

    @Test("fields in any order are read")
    func order() throws {
        let task = RawMessage().number(6, 9).number(5, 1).number(4, 1).number(3, 4).number(2, 3).number(1, 2)
        let format = PayloadFormat(encoding: .raw, compression: .zlib, decompressedSize: 9)
        #expect(try read(.task, task) == .task(TaskMessage(id: 2, attempt: 3, function: 4, format: format)))
    }

    @Test("numbers beyond what enums know are refused", arguments: [2, 3, 300, 0xFFFF_FFFF, UInt64(bitPattern: -1)])
    func unknownEnums(number: UInt64) {
        // An enum is an int32 in protobuf: of a longer number the low half counts.
        let shown = UInt32(truncatingIfNeeded: number)
        for (kind, fields) in [
            (FrameKind.task, RawMessage()), (.chunk, RawMessage().number(7, 1)), (.result, RawMessage()),
            (.chunkResult, RawMessage().number(8, 1)),
        ] {
            #expect(
                refusal(kind, fields.number(4, number))
                    == "The bytes are not a message of kind \(kind): the encoding of the payload is \(shown), which "
                    + "this version does not know.")
            #expect(
                refusal(kind, fields.number(5, number))
                    == "The bytes are not a message of kind \(kind): the compression of the payload is \(shown), "
                    + "which this version does not know.")
        }
    }

    @Test("places, kinds and reasons just beyond the known ones are refused")
    func enumsJustBeyond() {
        for (kind, fields, text) in [
            (FrameKind.cancel, RawMessage().number(3, 3), "its kind is 3"),
            (.goodbye, RawMessage().number(1, 6), "its reason is 6"),
            (.failure, RawMessage().message(4, RawMessage().number(1, 7)), "the place of the failure is 7"),
            (.failure, RawMessage().message(4, RawMessage()), "the place of the failure is 0"),
        ] {
            #expect(
                refusal(kind, fields)
                    == "The bytes are not a message of kind \(kind): \(text), which this version does not know.")
        }
    }

    @Test("text that is not UTF-8 is refused, with its place")
    func invalidText() {
        // A lone continuation byte, a surrogate, a number beyond Unicode, a long form of '/'.
        for bad in [[0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0xAF]] as [[UInt8]] {
            let hello = RawMessage().number(1, 1).number(2, 1)
            let failure = RawMessage().number(1, 2)
            for (kind, fields, what) in [
                (FrameKind.hello, hello.content(4, bad), "a capability"),
                (.welcome, RawMessage().content(4, bad), "a capability"),
                (.welcome, RawMessage().content(6, bad), "the error of a welcome"),
                (.welcome, RawMessage().message(3, RawMessage().content(1, bad)), "the name of function 0"),
                (.welcome, RawMessage().message(3, RawMessage().content(2, bad)), "the signature of function 0"),
                (.failure, RawMessage().message(4, failure.content(2, bad)), "the type name of a failure"),
                (.failure, RawMessage().message(4, failure.content(3, bad)), "the message of a failure"),
                (.failure, RawMessage().message(4, failure.content(4, bad)), "the detail of a failure"),
                (.failure, RawMessage().message(4, failure.content(6, bad)), "the backtrace of a failure"),
                (.drain, RawMessage().content(1, bad), "the reason of a drain"),
                (.goodbye, RawMessage().number(1, 1).content(2, bad), "the message of a goodbye"),
            ] {
                #expect(refusal(kind, fields) == "The bytes of \(what) are not valid UTF-8.")
            }
        }
    }

    @Test(
        "a field of another wire type than its own is refused",
        // A taken has no fields, and skips those that it does not know.
        arguments: FrameKind.allCases.filter { $0 != .taken })
    func wrongWireType(kind: FrameKind) {
        // The first field of a hello, a task ... is a number; text and lists of messages have a length.
        let bytes: [UInt8] =
            switch kind {
            case .drain: [1 << 3 | 0, 5]
            case .ping, .pong: [1 << 3 | 0, 5]
            default: [1 << 3 | 2, 1, 5]
            }
        #expect(
            refusal(kind, RawMessage(bytes: bytes))
                == "The bytes are not a message of kind \(kind): a field is not of its wire type (at byte 0).")
    }

    @Test(
        "bytes that are no fields are refused, with their place",
        arguments: [
            ([0x08, 0x01, 0x00], "a field has an impossible number (at byte 2)"),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "a number has too many bytes (at byte 0)"),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0x7F], "a field has an impossible number (at byte 0)"),
            ([0x08], "a field is longer than what is left of the bytes (at byte 0)"),
            ([0x08, 0x80], "a field is longer than what is left of the bytes (at byte 0)"),
            ([0x08] + [UInt8](repeating: 0x80, count: 10) + [1], "a number has too many bytes (at byte 0)"),
            ([0x7A, 0x05, 1, 2, 3, 4], "a field is longer than what is left of the bytes (at byte 0)"),
            ([0x7A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07], "a field is longer than what is left of the bytes (at byte 0)"),
            ([0x7A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07], "a number has too many bytes (at byte 0)"),
            ([0x7B], "a field is not of its wire type (at byte 0)"),
            ([0x7C], "a field is not of its wire type (at byte 0)"),
            ([0x7E], "a field is not of its wire type (at byte 0)"),
            ([0x7F], "a field is not of its wire type (at byte 0)"),
            ([0x79, 1, 2, 3, 4, 5, 6, 7], "a field is longer than what is left of the bytes (at byte 0)"),
            ([0x7D, 1, 2, 3], "a field is longer than what is left of the bytes (at byte 0)"),
        ] as [([UInt8], String)])
    func noFields(bytes: [UInt8], reason: String) {
        #expect(
            refusal(.task, RawMessage(bytes: bytes)) == "The bytes are not a message of kind task (3): \(reason).")
    }

    @Test("the count of a chunk is limited as what it stands for is")
    func chunkCount() throws {
        let limits = WireLimits(maxCount: 10)
        #expect(try read(.chunk, RawMessage().number(7, 10), limits: limits)?.kind == .chunk)
        #expect(
            refusal(.chunk, RawMessage().number(7, 11), limits: limits)
                == "The bytes are not a message of kind chunk (4): the count is 11 and has to be 1 to 10.")
        #expect(
            refusal(.chunkResult, RawMessage().number(8, 11), limits: limits)
                == "The bytes are not a message of kind chunkResult (6): the count is 11 and has to be 1 to 10.")
    }

    @Test("failures of elements come in order, none twice, none beyond the chunk")
    func elementFailures() throws {
        func result(_ indices: [UInt64]) -> RawMessage {
            indices.reduce(RawMessage().number(8, 3)) { message, index in
                message.message(9, RawMessage().number(1, index).message(2, RawMessage().number(1, 2)))
            }
        }
        #expect(try read(.chunkResult, result([0, 1, 2]))?.kind == .chunkResult)
        let prefix = "The bytes are not a message of kind chunkResult (6): "
        #expect(refusal(.chunkResult, result([3])) == prefix + "element 3 is said to have failed, and the chunk has 3.")
        #expect(refusal(.chunkResult, result([1, 1])) == prefix + "the failures are not in order: 1 follows 1.")
        #expect(refusal(.chunkResult, result([2, 0])) == prefix + "the failures are not in order: 0 follows 2.")
        let bare = RawMessage().number(8, 3).message(9, RawMessage().number(1, 1))
        #expect(refusal(.chunkResult, bare) == prefix + "the description of the failure is missing.")
    }

    @Test("versions have to be a range, and a level of compression one of zlib's")
    func hello() throws {
        let prefix = "The bytes are not a message of kind hello (1): "
        #expect(
            refusal(.hello, RawMessage().number(1, 1).number(2, 2))
                == prefix + "its versions are 2 to 1, which is no range.")
        #expect(
            refusal(.hello, RawMessage().number(1, 1)) == prefix + "its versions are 0 to 1, which is no range.")
        let hello = RawMessage().number(1, 1).number(2, 1)
        for level in [0, 10, 0xFFFF_FFFF] as [UInt64] {
            #expect(
                refusal(.hello, hello.message(6, RawMessage().number(1, level)))
                    == prefix + "the level of compression is \(level) and has to be 1 to 9.")
        }
        guard case .hello(let read)? = try read(.hello, hello.message(6, RawMessage().number(1, 3).number(2, .max)))
        else { return #expect(Bool(false), "it is no hello") }
        #expect(read.compression == .zlib(level: 3, threshold: .max))
    }

    @Test("limits that are zero or missing are the defaults, and depths beyond the greatest are the greatest")
    func limits() throws {
        func limits(_ message: RawMessage?) throws -> WireLimits? {
            let hello = RawMessage().number(1, 1).number(2, 1)
            guard case .hello(let read)? = try read(.hello, message.map { hello.message(3, $0) } ?? hello) else {
                return nil
            }
            return read.limits
        }
        #expect(try limits(nil) == .default)
        #expect(try limits(RawMessage()) == .default)
        #expect(try limits(RawMessage().number(5, 257)) == WireLimits(maxDepth: 256))
        #expect(try limits(RawMessage().number(5, 0xFFFF_FFFF)) == WireLimits(maxDepth: 256))
        #expect(
            try limits(RawMessage().number(1, .max).number(6, .max)) == WireLimits(maxMessageSize: .max, maxCount: .max)
        )
    }

    @Test("more fields, or more memory, than the limits allow is refused before it is taken")
    func unpackingLimits() {
        let message = (0..<11).reduce(RawMessage()) { message, _ in message.content(4, "x") }
        #expect(
            refusal(.welcome, message, limits: WireLimits(maxCount: 10))
                == "The bytes are not a message of kind welcome (2): there are more fields than the limit of 10 "
                + "(at byte 30).")
        #expect(
            refusal(.welcome, message, limits: WireLimits(maxMemory: 1000))
                .hasPrefix(
                    "The bytes are not a message of kind welcome (2): to unpack them takes more memory than the limit "
                        + "of 1000 bytes (at byte "))
    }

    @Test("a worker with two functions of one name is refused")
    func functionNames() {
        let function = RawMessage().content(1, "pow")
        #expect(
            refusal(.welcome, RawMessage().message(3, function).message(3, function))
                == "The bytes are not a message of kind welcome (2): the function \"pow\" is there twice.")
    }

    @Test("any number of fields is unpacked, known ones and others")
    func manyFields() throws {
        for count in Array(0...130) + [255, 256, 257, 1000, 4097] {
            let functions = (0..<count).map {
                FunctionDescription(name: "f\($0)", signature: "", fingerprint: UInt64($0))
            }
            let message = Message.welcome(
                Welcome(pid: 1, functions: functions, capabilities: [String](repeating: "", count: count)))
            let unknown = (0..<count).flatMap { RawMessage().number(100 + UInt64($0), .max).bytes }
            let bytes = try fields(of: message) + unknown
            let received = try read(.welcome, RawMessage(bytes: bytes))
            #expect(received == message, "\(count) of each")
        }
    }

    @Test("long texts and lists arrive", arguments: [0, 1, 127, 128, 100_000])
    func longFields(count: Int) throws {
        let text = String(repeating: "ü", count: count)
        let list = [String](repeating: "x\u{0}y", count: count)
        for message in [
            .drain(Drain(reason: text)),
            .hello(Hello(capabilities: list)),
            .welcome(Welcome(pid: 1, functions: [FunctionDescription(name: text, signature: text, fingerprint: 1)])),
            .failure(
                FailureMessage(
                    id: 1,
                    failure: FailureDescription(
                        place: .running, typeName: text, message: text, detail: text,
                        payload: [UInt8](repeating: 3, count: count), backtrace: list))),
        ] as [Message] {
            #expect(try roundTrip(message) == message)
        }
    }
}
