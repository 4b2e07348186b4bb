import CProto
import Testing
import Wire

/// What is read and written without protobuf-c has to be what protobuf-c would read and write.
@Suite struct ShortWayTests {
    private func number(_ random: inout SeededGenerator) -> UInt64 {
        random.next() >> UInt64.random(in: 0...63, using: &random)
    }

    private func packed<M>(_ message: M) -> [UInt8] {
        withUnsafePointer(to: message) { pointer in
            let message = UnsafeRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = protobuf_c_message_get_packed_size(message)
            return [UInt8](unsafeUninitializedCapacity: max(size, 1)) { target, count in
                count = protobuf_c_message_pack(message, target.baseAddress)
            }
        }
    }

    private func format(_ random: inout SeededGenerator) -> PayloadFormat {
        Bool.random(using: &random)
            ? .raw : PayloadFormat(encoding: .values, compression: .zlib, decompressedSize: number(&random))
    }

    @Test("tasks have the bytes that protobuf-c gives them, and are read from them", arguments: testSeeds)
    func tasks(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let task = TaskMessage(
                id: number(&random), attempt: UInt32(truncatingIfNeeded: number(&random)),
                function: UInt32(truncatingIfNeeded: number(&random)), format: format(&random))
            var message = Futures__Wire__V1__Task()
            futures__wire__v1__task__init(&message)
            message.id = task.id
            message.attempt = task.attempt
            message.function = task.function
            message.encoding = .init(rawValue: UInt32(task.format.encoding.rawValue))
            message.compression = .init(rawValue: UInt32(task.format.compression.rawValue))
            message.decompressed_size = task.format.decompressedSize
            let bytes = packed(message)
            #expect(Array(try frame(.task(task))[16...]) == bytes)
            #expect(try receive(frame(kind: FrameKind.task.rawValue, message: bytes)).first?.message == .task(task))
        }
    }

    @Test("results have the bytes that protobuf-c gives them, and are read from them", arguments: testSeeds)
    func results(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let result = ResultMessage(
                id: number(&random), attempt: UInt32(truncatingIfNeeded: number(&random)), format: format(&random),
                runNanoseconds: number(&random))
            var message = Futures__Wire__V1__Result()
            futures__wire__v1__result__init(&message)
            message.id = result.id
            message.attempt = result.attempt
            message.encoding = .init(rawValue: UInt32(result.format.encoding.rawValue))
            message.compression = .init(rawValue: UInt32(result.format.compression.rawValue))
            message.decompressed_size = result.format.decompressedSize
            message.run_nanoseconds = result.runNanoseconds
            let bytes = packed(message)
            #expect(Array(try frame(.result(result))[16...]) == bytes)
            #expect(
                try receive(frame(kind: FrameKind.result.rawValue, message: bytes)).first?.message == .result(result))
        }
    }

    /// What protobuf-c says of any bytes as a task; nil if it refuses them.
    private func unpacked(_ bytes: [UInt8]) -> Message? {
        guard let task = futures__wire__v1__task__unpack(nil, bytes.count, bytes) else { return nil }
        defer { futures__wire__v1__task__free_unpacked(task, nil) }
        let message = task.pointee
        guard let encoding = PayloadFormat.Encoding(rawValue: UInt8(clamping: message.encoding.rawValue)),
            let compression = PayloadFormat.Compression(rawValue: UInt8(clamping: message.compression.rawValue))
        else { return nil }
        return .task(
            TaskMessage(
                id: message.id, attempt: message.attempt, function: message.function,
                format: PayloadFormat(
                    encoding: encoding, compression: compression, decompressedSize: message.decompressed_size)))
    }

    @Test("bytes that are nearly a task are read as protobuf-c reads them, or refused", arguments: testSeeds)
    func damagedTasks(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var (read, refused) = (0, 0)
        for _ in 0..<20_000 {
            let task = TaskMessage(
                id: number(&random), attempt: 1, function: UInt32(truncatingIfNeeded: number(&random)),
                format: format(&random))
            var bytes = Array(try frame(.task(task))[16...])
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let index = bytes.indices.randomElement(using: &random)!
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 1: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: index)
                default: bytes.removeSubrange(index...)
                }
            }
            let found = try? receive(frame(kind: FrameKind.task.rawValue, message: bytes)).first?.message
            if let found {
                read += 1
                #expect(found == unpacked(bytes), "\(bytes)")
            } else {
                // This package refuses more than protobuf-c, never less.
                refused += 1
            }
        }
        #expect(read > 1000 && refused > 1000)
    }

    @Test("one number, or one run of bytes, passes the scan as it does in full", arguments: testSeeds)
    func numbers(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limits = FuturesScanLimits(max_depth: 16, max_fields: 100, max_memory: 1 << 20)
        var descriptor = futures__wire__v1__arguments__descriptor
        var count = 0
        for _ in 0..<50_000 {
            // A field of a value with a few bytes: half of them a varint, and most with a length that fits.
            let length = Int.random(in: 0...12, using: &random)
            var content = random.bytes(length)
            if Bool.random(using: &random), length > 0 {
                for index in 0..<length - 1 { content[index] |= 0x80 }
                content[length - 1] &= 0x7F
            }
            let tags: [UInt8] = [0x08, 0x10, 0x19, 0x21, 0x38, 0x45, 0x2A, 0x32, .random(in: 0...80, using: &random)]
            if Bool.random(using: &random), length > 0 { content[0] = UInt8(length - 1) }
            var bytes = [0x0A, UInt8(length + 1), tags.randomElement(using: &random)!] + content
            if Int.random(in: 0...9, using: &random) == 0 { bytes[1] ^= 1 }
            let short = futures_scan_arguments(bytes, bytes.count, limits)
            let full = futures_scan(&descriptor, bytes, bytes.count, limits)
            #expect(short.status == full.status, "\(bytes)")
            guard full.status == FUTURES_SCAN_OK else { continue }
            count += 1
            #expect(short.count == full.count && short.memory >= full.memory, "\(bytes)")
        }
        #expect(count > 1000)
    }

    @Test("a number that limits do not allow is looked at in full")
    func limitedNumbers() {
        let bytes: [UInt8] = [0x0A, 2, 0x10, 2]
        let status = { (depth: UInt32, fields: UInt64, memory: UInt64) in
            let limits = FuturesScanLimits(max_depth: depth, max_fields: fields, max_memory: memory)
            return futures_scan_arguments(bytes, bytes.count, limits).status
        }
        #expect(status(2, 2, 1000) == FUTURES_SCAN_OK)
        #expect(status(1, 2, 1000) == FUTURES_SCAN_TOO_DEEP)
        #expect(status(2, 1, 1000) == FUTURES_SCAN_TOO_MANY_FIELDS)
        #expect(status(2, 2, 100) == FUTURES_SCAN_TOO_MUCH_MEMORY)
    }
}
