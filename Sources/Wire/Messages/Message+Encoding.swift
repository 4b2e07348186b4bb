internal import CProto

extension Message {
    /// Packs the message and its payload as a frame. The messages of a task's way take no memory but the buffer's.
    borrowing func pack(payload: UnsafeRawBufferPointer, into buffer: inout FrameBuffer) throws(WireError) {
        switch self {
        case .task(let task):
            try buffer.append(.task, task.fields, payload: payload)
        case .chunk(let chunk):
            try chunk.pack(payload: payload, into: &buffer)
        case .result(let result):
            try buffer.append(.result, result.fields, payload: payload)
        case .chunkResult(let result):
            try result.pack(payload: payload, into: &buffer)
        case .cancel(let cancel):
            var message = CCancel()
            futures__wire__v1__cancel__init(&message)
            message.id = cancel.id
            message.attempt = cancel.attempt
            message.kind = Futures__Wire__V1__CancelKind(rawValue: UInt32(cancel.kind.rawValue))
            message.element = cancel.element.map { $0 &+ 1 } ?? 0
            try buffer.append(.cancel, &message, payload: payload)
        case .cancelReply(let reply):
            var message = CCancelReply()
            futures__wire__v1__cancel_reply__init(&message)
            message.id = reply.id
            message.attempt = reply.attempt
            message.taken_back = reply.takenBack ? 1 : 0
            try buffer.append(.cancelReply, &message, payload: payload)
        case .ping(let ping), .pong(let ping):
            var message = CPing()
            futures__wire__v1__ping__init(&message)
            message.nonce = ping.nonce
            try buffer.append(kind, &message, payload: payload)
        case .room(let room):
            var message = CRoom()
            futures__wire__v1__room__init(&message)
            message.address = room.address
            try buffer.append(.room, &message, payload: payload)
        case .taken:
            var message = CTaken()
            futures__wire__v1__taken__init(&message)
            try buffer.append(.taken, &message, payload: payload)
        case .hello(let hello):
            try hello.pack(payload: payload, into: &buffer)
        case .welcome(let welcome):
            try welcome.pack(payload: payload, into: &buffer)
        case .failure(let failure):
            try failure.pack(payload: payload, into: &buffer)
        case .drain(let drain):
            let arena = Arena()
            var message = CDrain()
            futures__wire__v1__drain__init(&message)
            message.reason = arena.bytes(drain.reason)
            try buffer.append(.drain, &message, payload: payload)
        case .goodbye(let goodbye):
            let arena = Arena()
            var message = CGoodbye()
            futures__wire__v1__goodbye__init(&message)
            message.reason = Futures__Wire__V1__GoodbyeReason(rawValue: UInt32(goodbye.reason.rawValue))
            message.message = arena.bytes(goodbye.message)
            message.tasks_run = goodbye.tasksRun
            try buffer.append(.goodbye, &message, payload: payload)
        }
    }
}

extension PayloadFormat {
    fileprivate var cEncoding: Futures__Wire__V1__Encoding { .init(rawValue: UInt32(encoding.rawValue)) }
    fileprivate var cCompression: Futures__Wire__V1__Compression { .init(rawValue: UInt32(compression.rawValue)) }
}

extension ChunkMessage {
    fileprivate func pack(payload: UnsafeRawBufferPointer, into buffer: inout FrameBuffer) throws(WireError) {
        var message = CChunk()
        futures__wire__v1__chunk__init(&message)
        message.id = id
        message.attempt = attempt
        message.function = function
        message.encoding = format.cEncoding
        message.compression = format.cCompression
        message.decompressed_size = format.decompressedSize
        message.count = count
        message.in_parts = isInParts ? 1 : 0
        message.times_elements = timesElements ? 1 : 0
        guard !ranges.isEmpty else { return try buffer.append(.chunk, &message, payload: payload) }
        let arena = Arena()
        let numbers = arena.array(of: UInt32.self, count: 2 * ranges.count)!
        for (index, range) in ranges.enumerated() {
            numbers[2 * index] = range.lowerBound
            numbers[2 * index + 1] = range.upperBound - range.lowerBound
        }
        message.n_ranges = 2 * ranges.count
        message.ranges = numbers
        try buffer.append(.chunk, &message, payload: payload)
    }
}

extension ChunkResultMessage {
    fileprivate func pack(payload: UnsafeRawBufferPointer, into buffer: inout FrameBuffer) throws(WireError) {
        var message = CChunkResult()
        futures__wire__v1__chunk_result__init(&message)
        message.id = id
        message.attempt = attempt
        message.encoding = format.cEncoding
        message.compression = format.cCompression
        message.decompressed_size = format.decompressedSize
        message.run_nanoseconds = runNanoseconds
        message.count = count
        message.part = part
        if failures.isEmpty {
            try buffer.append(.chunkResult, &message, payload: payload)
            return
        }
        let arena = Arena()
        let list = arena.array(of: UnsafeMutablePointer<CElementFailure>?.self, count: failures.count)!
        for (index, failure) in failures.enumerated() {
            let element = arena.array(of: CElementFailure.self, count: 1)!
            futures__wire__v1__element_failure__init(element)
            element.pointee.index = failure.index
            element.pointee.failure = failure.failure.structure(in: arena)
            list[index] = element
        }
        message.n_failures = failures.count
        message.failures = list
        try buffer.append(.chunkResult, &message, payload: payload)
    }
}

extension FailureMessage {
    fileprivate func pack(payload: UnsafeRawBufferPointer, into buffer: inout FrameBuffer) throws(WireError) {
        let arena = Arena()
        var message = CFailure()
        futures__wire__v1__failure__init(&message)
        message.id = id
        message.attempt = attempt
        message.run_nanoseconds = runNanoseconds
        message.failure = failure.structure(in: arena)
        try buffer.append(.failure, &message, payload: payload)
    }
}

extension FailureDescription {
    fileprivate func structure(in arena: borrowing Arena) -> UnsafeMutablePointer<CFailureDescription> {
        let message = arena.array(of: CFailureDescription.self, count: 1)!
        futures__wire__v1__failure_description__init(message)
        message.pointee.place = Futures__Wire__V1__FailurePlace(rawValue: UInt32(place.rawValue))
        message.pointee.type_name = arena.bytes(typeName)
        message.pointee.message = arena.bytes(self.message)
        message.pointee.detail = arena.bytes(detail)
        if let payload {
            message.pointee.error_value_case = FUTURES__WIRE__V1__FAILURE_DESCRIPTION__ERROR_VALUE_PAYLOAD
            let pointer = arena.pointer
            message.pointee.payload = payload.withUnsafeBufferPointer {
                futures_bytes_copy(pointer, $0.baseAddress, $0.count)
            }
        }
        message.pointee.n_backtrace = backtrace.count
        message.pointee.backtrace = arena.texts(backtrace)
        return message
    }
}

extension WireLimits {
    fileprivate func structure(in arena: borrowing Arena) -> UnsafeMutablePointer<CLimits> {
        let message = arena.array(of: CLimits.self, count: 1)!
        futures__wire__v1__limits__init(message)
        message.pointee.max_message_size = maxMessageSize
        message.pointee.max_payload_size = maxPayloadSize
        message.pointee.max_decompressed_size = maxDecompressedSize
        message.pointee.max_memory = maxMemory
        message.pointee.max_depth = UInt32(maxDepth)
        message.pointee.max_count = maxCount
        return message
    }
}

extension Hello {
    fileprivate func pack(payload: UnsafeRawBufferPointer, into buffer: inout FrameBuffer) throws(WireError) {
        let arena = Arena()
        var message = CHello()
        futures__wire__v1__hello__init(&message)
        message.wire_version = wireVersion
        message.minimum_wire_version = minimumWireVersion
        message.limits = limits.structure(in: arena)
        message.n_capabilities = capabilities.count
        message.capabilities = arena.texts(capabilities)
        message.worker_id = workerID
        message.journal_descriptor = journalDescriptor
        message.spin_nanoseconds = spinNanoseconds
        if compression.isEnabled {
            let policy = arena.array(of: CCompressionPolicy.self, count: 1)!
            futures__wire__v1__compression_policy__init(policy)
            policy.pointee.level = UInt32(compression.level)
            policy.pointee.threshold = UInt64(compression.threshold)
            message.compression = policy
        }
        try buffer.append(.hello, &message, payload: payload)
    }
}

extension Welcome {
    fileprivate func pack(payload: UnsafeRawBufferPointer, into buffer: inout FrameBuffer) throws(WireError) {
        let arena = Arena()
        var message = CWelcome()
        futures__wire__v1__welcome__init(&message)
        message.wire_version = wireVersion
        message.pid = pid
        let list = arena.array(of: UnsafeMutablePointer<CFunction>?.self, count: functions.count)
        for (index, function) in functions.enumerated() {
            let description = arena.array(of: CFunction.self, count: 1)!
            futures__wire__v1__function_description__init(description)
            description.pointee.name = arena.bytes(function.name)
            description.pointee.signature = arena.bytes(function.signature)
            description.pointee.fingerprint = function.fingerprint
            list?[index] = description
        }
        message.n_functions = functions.count
        message.functions = list
        message.n_capabilities = capabilities.count
        message.capabilities = arena.texts(capabilities)
        message.limits = limits.structure(in: arena)
        message.error = arena.bytes(error)
        message.probe_address = probe?.address ?? 0
        message.probe_number = probe?.number ?? 0
        try buffer.append(.welcome, &message, payload: payload)
    }
}
