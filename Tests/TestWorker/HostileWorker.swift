import Futures
import Glibc
import TestFunctions
import Wire

/// A worker that greets as it should, and then says what no honest worker would.
enum HostileWorker {
    static func serve(_ manner: String) -> Never {
        alarm(60)
        unsetenv("FUTURES_WORKER")
        signal(SIGPIPE, SIG_IGN)
        var session = Session(manner: manner)
        try? session.run()
        exit(1)
    }

    struct Gone: Error {}

    private struct Session: ~Copyable {
        let manner: String
        var decoder = FrameDecoder()
        var buffer = FrameBuffer()
        var random = SystemRandomNumberGenerator()
        /// How many elements of the chunk are to be run.
        var left = 0
        /// The call that was given back, and is answered once the pool has seen that.
        var givenBack: (id: UInt64, attempt: UInt32, count: UInt32?)?

        init(manner: String) { self.manner = manner }

        mutating func run() throws {
            while true {
                let count = decoder.withFreeSpace { space in
                    let count = max(read(3, space.baseAddress, space.count), 0)
                    return (count: count, result: count)
                }
                guard count > 0 else { throw Gone() }
                var messages: [Message] = []
                while try decoder.withNextFrame({ messages.append(try Message(decoding: $0)) }) {}
                for message in messages { try take(message) }
            }
        }

        private mutating func take(_ message: Message) throws {
            switch message {
            case .hello: try welcome()
            case .task(let task): try answer(task.id, task.attempt, count: nil)
            case .chunk(let chunk):
                left = chunk.ranges.isEmpty ? Int(chunk.count) : chunk.ranges.reduce(0) { $0 + $1.count }
                try answer(chunk.id, chunk.attempt, count: chunk.count)
            case .drain: exit(0)
            case .pong: try answerGivenBack()
            default: break
            }
        }

        /// Tells in a file that the pool has seen that a call was given back, and answers it when another is there.
        private mutating func answerGivenBack() throws {
            guard let call = givenBack else { return }
            let folder = CommandLine.arguments[3]
            close(open("\(folder)/given back", O_CREAT | O_WRONLY, 0o600))
            while access("\(folder)/go", F_OK) != 0 { usleep(1_000) }
            try finish(call.id, call.attempt, call.count)
        }

        private mutating func welcome() throws {
            var limits = WireLimits.default
            if manner == "huge limits" {
                limits = WireLimits(
                    maxMessageSize: .max, maxPayloadSize: .max, maxDecompressedSize: .max, maxMemory: .max,
                    maxDepth: .max, maxCount: .max)
            } else if manner == "no limits" {
                // Zero stands for the default on the wire.
                limits = WireLimits(
                    maxMessageSize: 1, maxPayloadSize: 1, maxDecompressedSize: 1, maxMemory: 1, maxDepth: 1, maxCount: 1
                )
            } else if manner == "small messages" {
                limits = WireLimits(maxMessageSize: 1000)
            }
            let functions = testRegistry.functions.map {
                FunctionDescription(
                    name: $0.name, signature: $0.signature.description, fingerprint: $0.signature.fingerprint)
            }
            var welcome = Welcome(
                pid: manner == "huge limits" ? .min : Int64(getpid()), functions: functions, limits: limits)
            if manner == "no such probe" { welcome.probe = MemoryProbe(address: 8, number: 0) }
            if manner.hasPrefix("lends"), manner != "lends unasked" {
                let cell = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
                cell.initialize(to: 7)
                welcome.probe = MemoryProbe(address: UInt64(UInt(bitPattern: cell)), number: 7)
            }
            try say(.welcome(welcome))
        }

        /// The argument of every call is an `Int`, and so is its result.
        private mutating func answer(_ id: UInt64, _ attempt: UInt32, count: UInt32?) throws {
            switch manner {
            case "extreme numbers":
                for other: UInt64 in [0, 1 << 32, .max - 1, id ^ (1 << 40), id] {
                    // The right attempt at another task, too, and all others at this one.
                    for wrong: UInt32 in [0, attempt &+ 1, .max] {
                        try say(.result(ResultMessage(id: other, attempt: wrong, runNanoseconds: .max)))
                        try say(.cancelReply(CancelReply(id: other, attempt: wrong, takenBack: true)))
                        try say(.chunkResult(ChunkResultMessage(id: other, attempt: wrong, count: 1 << 24)))
                    }
                }
                try say(.ping(Ping(nonce: .max)))
                try finish(id, attempt, count, runTime: .max)
            case "gives back unasked" where CommandLine.arguments.count > 3:
                guard givenBack == nil else {
                    // The pool has sent it again.
                    close(open("\(CommandLine.arguments[3])/again", O_CREAT | O_WRONLY, 0o600))
                    return
                }
                givenBack = (id, attempt, count)
                try say(.cancelReply(CancelReply(id: id, attempt: attempt, takenBack: true)))
                try say(.ping(Ping(nonce: 1)))
            case "gives back unasked":
                try say(.cancelReply(CancelReply(id: id, attempt: attempt, takenBack: true)))
                try finish(id, attempt, count)
            case "initializes unasked":
                try say(.result(ResultMessage(id: .max, runNanoseconds: .max)))
                exit(0)
            case "the wrong kind":
                if let count {
                    try finish(id, attempt, nil)
                    _ = count
                } else {
                    try finish(id, attempt, 1)
                }
            case "wrong counts":
                let failure = FailureDescription(place: .running, typeName: "", message: "")
                try say(
                    .chunkResult(
                        ChunkResultMessage(
                            id: id, attempt: attempt, count: (count ?? 1) + 1,
                            failures: [ElementFailure(index: 0, failure: failure)])))
            case "lends nothing", "lends unasked":
                try say(.result(ResultMessage(id: id, attempt: attempt, format: .raw)), detachedTo: 8)
            case "lends what it takes back":
                let size = 64 << 20
                let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
                // Only the first half is there.
                munmap(memory + size / 2, size / 2)
                try say(
                    .result(ResultMessage(id: id, attempt: attempt, format: .raw)),
                    detachedTo: UInt64(UInt(bitPattern: memory)), size: UInt64(size))
            case "room for nothing":
                for address: UInt64 in [0, 8, .max] { try say(.room(Room(address: address))) }
                try finish(id, attempt, count)
            case "claims sizes":
                guard let count else { return try finish(id, attempt, nil) }
                for part: UInt32 in [1, 1, 0] {
                    let failure = FailureDescription(place: .running, typeName: "", message: "")
                    var message = ChunkResultMessage(id: id, attempt: attempt, count: count, part: part)
                    message.format.decompressedSize = .max
                    if part == 0 { message.failures = [ElementFailure(index: count - 1, failure: failure)] }
                    try say(.chunkResult(message), column(part == 0 ? Int(count) - 3 : 1))
                }
            case "small messages":
                guard let count else { return try finish(id, attempt, nil) }
                if attempt > 1 {
                    let message = ChunkResultMessage(id: id, attempt: attempt, count: count)
                    return try say(.chunkResult(message), column(left))
                }
                let failure = FailureDescription(place: .running, typeName: "", message: "")
                let odd = stride(from: 1, to: count, by: 2).map { ElementFailure(index: $0, failure: failure) }
                try say(
                    .chunkResult(ChunkResultMessage(id: id, attempt: attempt, count: count, failures: odd)),
                    column(Int(count) - odd.count))
            case "says the same without end": try sayWithoutEnd(.pong(Ping(nonce: 1)))
            case "asks and does not listen": try sayWithoutEnd(.ping(Ping(nonce: 1)))
            case "anything":
                for _ in 0..<20 { try say(anything(id, attempt, count)) }
                if UInt8.random(in: 0..<8, using: &random) == 0 { exit(0) }
                try finish(id, attempt, count)
            default:
                try finish(id, attempt, count)
            }
        }

        private mutating func anything(_ id: UInt64, _ attempt: UInt32, _ count: UInt32?) -> Message {
            let ids = [id, id &+ 1, id &- 1, 0, .max, .random(in: 0...64, using: &random) | (id >> 32) << 32]
            let id = ids.randomElement(using: &random)!
            let attempt = [attempt, 0, 1, 2, .max].randomElement(using: &random)!
            let runTime = [0, 1, 1_000_000, UInt64.max].randomElement(using: &random)!
            let failure = FailureDescription(place: .running, typeName: "T", message: "m")
            switch Int.random(in: 0..<25, using: &random) {
            case 0..<6: return .result(ResultMessage(id: id, attempt: attempt, runNanoseconds: runTime))
            case 6..<10:
                return .chunkResult(
                    ChunkResultMessage(id: id, attempt: attempt, count: count ?? 1 << 20, runNanoseconds: runTime))
            case 10..<14:
                return .failure(
                    FailureMessage(id: id, attempt: attempt, runNanoseconds: runTime, failure: failure))
            case 14..<22:
                return .cancelReply(
                    CancelReply(id: id, attempt: attempt, takenBack: Bool.random(using: &random)))
            case 22: return .ping(Ping(nonce: id))
            case 23: return .room(Room(address: id))
            default: return .pong(Ping(nonce: id))
            }
        }

        /// Faster than anybody can read it.
        private func sayWithoutEnd(_ message: Message) throws {
            var frames = FrameBuffer()
            for _ in 0..<4096 { try frames.append(message) }
            while true {
                guard frames.withFirstBytes({ write(4, $0.baseAddress, $0.count) }) > 0 else { throw Gone() }
            }
        }

        private func column(_ count: Int) throws -> Payload {
            var encoder = PayloadEncoder()
            try increment.code.output.encodeColumn(Array(repeating: 43, count: count), into: &encoder)
            return encoder.finish()
        }

        private mutating func finish(
            _ id: UInt64, _ attempt: UInt32, _ count: UInt32?, runTime: UInt64 = 1
        ) throws {
            if let count {
                try say(
                    .chunkResult(ChunkResultMessage(id: id, attempt: attempt, count: count, runNanoseconds: runTime)),
                    column(Int(count)))
            } else {
                var encoder = PayloadEncoder()
                try increment.code.output.encode(43, into: &encoder)
                try say(
                    .result(ResultMessage(id: id, attempt: attempt, runNanoseconds: runTime)), encoder.finish())
            }
        }

        /// A detached frame, with an address of its own choice.
        private mutating func say(_ message: Message, detachedTo address: UInt64, size: UInt64 = 8 << 20) throws {
            var other = FrameBuffer()
            try other.append(message, lent: Payload(bytes: [UInt8](repeating: 0, count: Int(size)), format: .raw))
            var bytes = other.withFirstBytes { Array($0) }
            withUnsafeBytes(of: address.littleEndian) { bytes.replaceSubrange(bytes.count - 8..<bytes.count, with: $0) }
            guard write(4, bytes, bytes.count) == bytes.count else { throw Gone() }
        }

        private mutating func say(_ message: Message, _ payload: Payload = .empty) throws {
            try buffer.append(message, payload: payload)
            while !buffer.isEmpty {
                let written = buffer.withFirstBytes { write(4, $0.baseAddress, $0.count) }
                guard written > 0 else { throw Gone() }
                buffer.removeFirst(written)
            }
        }
    }
}
