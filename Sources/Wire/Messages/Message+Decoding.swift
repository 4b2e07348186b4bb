internal import CProto

extension Message {
    /// Reads the message part of a frame. What it says is checked: enums, counts, indexes, text; fields that this
    /// version does not know are ignored.
    public init(decoding frame: FrameView, limits: WireLimits = .default) throws(WireError) {
        if let message = Message(fieldsOf: frame, limits) {
            self = message
            return
        }
        let arena = Arena()
        switch frame.kind {
        case .task:
            let message = try unpack(frame, CTask.self, futures_task_descriptor(), arena, limits)
            let format = try PayloadFormat(
                frame.kind, message.encoding.rawValue, message.compression.rawValue, message.decompressed_size)
            self = .task(
                TaskMessage(id: message.id, attempt: message.attempt, function: message.function, format: format))
        case .chunk:
            let message = try unpack(frame, CChunk.self, futures_chunk_descriptor(), arena, limits)
            self = .chunk(try ChunkMessage(message, frame, limits))
        case .result:
            let message = try unpack(frame, CResult.self, futures_result_descriptor(), arena, limits)
            let format = try PayloadFormat(
                frame.kind, message.encoding.rawValue, message.compression.rawValue, message.decompressed_size)
            self = .result(
                ResultMessage(
                    id: message.id, attempt: message.attempt, format: format, runNanoseconds: message.run_nanoseconds))
        case .chunkResult:
            let message = try unpack(
                frame, CChunkResult.self, futures_chunk_result_descriptor(), arena, limits)
            self = .chunkResult(try ChunkResultMessage(message, frame, limits))
        case .cancel:
            let message = try unpack(frame, CCancel.self, futures_cancel_descriptor(), arena, limits)
            guard let kind = CancelMessage.Kind(rawValue: UInt8(clamping: message.kind.rawValue)) else {
                throw refused(frame, "its kind is \(message.kind.rawValue), which this version does not know")
            }
            self = .cancel(
                CancelMessage(
                    id: message.id, attempt: message.attempt, kind: kind,
                    element: message.element == 0 ? nil : message.element - 1))
        case .cancelReply:
            let message = try unpack(
                frame, CCancelReply.self, futures_cancel_reply_descriptor(), arena, limits)
            self = .cancelReply(
                CancelReply(id: message.id, attempt: message.attempt, takenBack: message.taken_back != 0))
        case .ping, .pong:
            let message = try unpack(frame, CPing.self, futures_ping_descriptor(), arena, limits)
            let ping = Ping(nonce: message.nonce)
            self = frame.kind == .ping ? .ping(ping) : .pong(ping)
        case .hello:
            let message = try unpack(frame, CHello.self, futures_hello_descriptor(), arena, limits)
            self = .hello(try Hello(message, frame))
        case .welcome:
            let message = try unpack(frame, CWelcome.self, futures_welcome_descriptor(), arena, limits)
            self = .welcome(try Welcome(message, frame))
        case .failure:
            let message = try unpack(frame, CFailure.self, futures_failure_descriptor(), arena, limits)
            self = .failure(
                FailureMessage(
                    id: message.id, attempt: message.attempt, runNanoseconds: message.run_nanoseconds,
                    failure: try FailureDescription(message.failure, frame)))
        case .drain:
            let message = try unpack(frame, CDrain.self, futures_drain_descriptor(), arena, limits)
            self = .drain(Drain(reason: try message.reason.text("the reason of a drain")))
        case .goodbye:
            let message = try unpack(frame, CGoodbye.self, futures_goodbye_descriptor(), arena, limits)
            guard let reason = Goodbye.Reason(rawValue: UInt8(clamping: message.reason.rawValue)) else {
                throw refused(frame, "its reason is \(message.reason.rawValue), which this version does not know")
            }
            self = .goodbye(
                Goodbye(
                    reason: reason, message: try message.message.text("the message of a goodbye"),
                    tasksRun: message.tasks_run))
        case .room:
            let message = try unpack(frame, CRoom.self, futures_room_descriptor(), arena, limits)
            self = .room(Room(address: message.address))
        case .taken:
            _ = try unpack(frame, CTaken.self, futures_taken_descriptor(), arena, limits)
            self = .taken
        }
    }
}

/// Levels of messages within each other in the message part of any frame; three, and room for later versions.
private let messageDepth = 8

private func unpack<M>(
    _ frame: FrameView, _ type: M.Type, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
    _ arena: borrowing Arena, _ limits: WireLimits
) throws(WireError) -> M {
    var report = FuturesScanReport()
    let message = futures_unpack(
        descriptor, arena.pointer, frame.message.baseAddress?.assumingMemoryBound(to: UInt8.self), frame.message.count,
        limits.scanLimits(depth: messageDepth), &report)
    guard let message else { throw report.error(what: "a message of kind \(frame.kind)", limits: limits) }
    return message.assumingMemoryBound(to: M.self).pointee
}

private func refused(_ frame: FrameView, _ reason: String) -> WireError {
    .malformed(what: "a message of kind \(frame.kind)", reason: reason)
}

/// The elements of a repeated field, as texts.
private func texts(_ array: UnsafeMutablePointer<CBytes>?, _ count: Int, _ what: String) throws(WireError) -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(count)
    for index in 0..<count { texts.append(try array![index].text(what)) }
    return texts
}

extension PayloadFormat {
    fileprivate init(
        _ kind: FrameKind, _ encoding: UInt32, _ compression: UInt32, _ decompressedSize: UInt64
    ) throws(WireError) {
        guard let knownEncoding = Encoding(rawValue: UInt8(clamping: encoding)) else {
            throw .malformed(
                what: "a message of kind \(kind)",
                reason: "the encoding of the payload is \(encoding), which this version does not know")
        }
        guard let knownCompression = Compression(rawValue: UInt8(clamping: compression)) else {
            throw .malformed(
                what: "a message of kind \(kind)",
                reason: "the compression of the payload is \(compression), which this version does not know")
        }
        self.init(encoding: knownEncoding, compression: knownCompression, decompressedSize: decompressedSize)
    }
}

extension ChunkMessage {
    fileprivate init(_ message: CChunk, _ frame: FrameView, _ limits: WireLimits) throws(WireError) {
        let format = try PayloadFormat(
            frame.kind, message.encoding.rawValue, message.compression.rawValue, message.decompressed_size)
        guard message.count > 0, message.count <= limits.maxCount else {
            throw refused(frame, "the count is \(message.count) and has to be 1 to \(limits.maxCount)")
        }
        guard message.n_ranges % 2 == 0 else { throw refused(frame, "a range has no length") }
        var ranges: [Range<UInt32>] = []
        ranges.reserveCapacity(message.n_ranges / 2)
        for position in stride(from: 0, to: message.n_ranges, by: 2) {
            let (first, length) = (message.ranges[position], message.ranges[position + 1])
            let (end, overflow) = first.addingReportingOverflow(length)
            guard length > 0, !overflow, end <= message.count, first >= ranges.last?.upperBound ?? 0 else {
                throw refused(
                    frame, "a range of \(length) elements from \(first) is not one of a chunk of \(message.count)")
            }
            ranges.append(first..<end)
        }
        self.init(
            id: message.id, attempt: message.attempt, function: message.function, format: format, count: message.count,
            ranges: ranges, isInParts: message.in_parts != 0, timesElements: message.times_elements != 0)
    }
}

extension ChunkResultMessage {
    fileprivate init(_ message: CChunkResult, _ frame: FrameView, _ limits: WireLimits) throws(WireError) {
        let format = try PayloadFormat(
            frame.kind, message.encoding.rawValue, message.compression.rawValue, message.decompressed_size)
        guard message.count > 0, message.count <= limits.maxCount else {
            throw refused(frame, "the count is \(message.count) and has to be 1 to \(limits.maxCount)")
        }
        guard message.part <= message.count else {
            throw refused(
                frame, "a part of \(message.part) elements is more than the chunk, which has \(message.count)")
        }
        var failures: [ElementFailure] = []
        failures.reserveCapacity(message.n_failures)
        for position in 0..<message.n_failures {
            let element = message.failures[position]!.pointee
            guard element.index < message.count else {
                throw refused(
                    frame, "element \(element.index) is said to have failed, and the chunk has \(message.count)")
            }
            if let last = failures.last, last.index >= element.index {
                throw refused(frame, "the failures are not in order: \(element.index) follows \(last.index)")
            }
            failures.append(
                ElementFailure(index: element.index, failure: try FailureDescription(element.failure, frame)))
        }
        self.init(
            id: message.id, attempt: message.attempt, format: format, count: message.count,
            runNanoseconds: message.run_nanoseconds, failures: failures, part: message.part)
    }
}

extension FailureDescription {
    fileprivate init(_ pointer: UnsafeMutablePointer<CFailureDescription>?, _ frame: FrameView) throws(WireError) {
        guard let message = pointer?.pointee else { throw refused(frame, "the description of the failure is missing") }
        guard let place = Place(rawValue: UInt8(clamping: message.place.rawValue)) else {
            throw refused(
                frame, "the place of the failure is \(message.place.rawValue), which this version does not know")
        }
        let hasPayload = message.error_value_case == FUTURES__WIRE__V1__FAILURE_DESCRIPTION__ERROR_VALUE_PAYLOAD
        self.init(
            place: place,
            typeName: try message.type_name.text("the type name of a failure"),
            message: try message.message.text("the message of a failure"),
            detail: try message.detail.text("the detail of a failure"),
            payload: hasPayload ? Array(message.payload.buffer) : nil,
            backtrace: try texts(message.backtrace, message.n_backtrace, "the backtrace of a failure"))
    }
}

extension WireLimits {
    /// What the peer says; where it says nothing, the defaults.
    fileprivate init(_ pointer: UnsafeMutablePointer<CLimits>?) {
        let defaults = WireLimits.default
        guard let message = pointer?.pointee else {
            self = defaults
            return
        }
        func said(_ value: UInt64, else ours: UInt64) -> UInt64 { value > 0 ? value : ours }
        // Through the initialiser, which brings the depth into its range; the property's observer does not run here.
        self.init(
            maxMessageSize: said(message.max_message_size, else: defaults.maxMessageSize),
            maxPayloadSize: said(message.max_payload_size, else: defaults.maxPayloadSize),
            maxDecompressedSize: said(message.max_decompressed_size, else: defaults.maxDecompressedSize),
            maxMemory: said(message.max_memory, else: defaults.maxMemory),
            maxDepth: message.max_depth > 0 ? Int(message.max_depth) : defaults.maxDepth,
            maxCount: said(message.max_count, else: defaults.maxCount))
    }
}

extension Hello {
    fileprivate init(_ message: CHello, _ frame: FrameView) throws(WireError) {
        guard message.minimum_wire_version > 0, message.minimum_wire_version <= message.wire_version else {
            throw refused(
                frame, "its versions are \(message.minimum_wire_version) to \(message.wire_version), which is no range")
        }
        var compression = CompressionPolicy.off
        if let policy = message.compression?.pointee {
            guard (1...9).contains(policy.level) else {
                throw refused(frame, "the level of compression is \(policy.level) and has to be 1 to 9")
            }
            compression = .zlib(level: Int(policy.level), threshold: Int(clamping: policy.threshold))
        }
        self.init(
            wireVersion: message.wire_version, minimumWireVersion: message.minimum_wire_version,
            limits: WireLimits(message.limits),
            capabilities: try texts(message.capabilities, message.n_capabilities, "a capability"),
            workerID: message.worker_id, compression: compression, journalDescriptor: message.journal_descriptor,
            spinNanoseconds: message.spin_nanoseconds)
    }
}

extension Welcome {
    fileprivate init(_ message: CWelcome, _ frame: FrameView) throws(WireError) {
        var functions: [FunctionDescription] = []
        var names: Set<String> = []
        functions.reserveCapacity(message.n_functions)
        for index in 0..<message.n_functions {
            let function = message.functions[index]!.pointee
            let name = try function.name.text("the name of function \(index)")
            guard names.insert(name).inserted else { throw refused(frame, "the function \"\(name)\" is there twice") }
            functions.append(
                FunctionDescription(
                    name: name,
                    signature: try function.signature.text("the signature of function \(index)"),
                    fingerprint: function.fingerprint))
        }
        self.init(
            wireVersion: message.wire_version, pid: message.pid, functions: functions,
            capabilities: try texts(message.capabilities, message.n_capabilities, "a capability"),
            limits: WireLimits(message.limits), error: try message.error.text("the error of a welcome"),
            probe: message.probe_address == 0
                ? nil : MemoryProbe(address: message.probe_address, number: message.probe_number))
    }
}
