import CProto
import Glibc
import TestFunctions
import TestSupport
import Testing
import Wire

@testable import Futures

/// A worker process as a pool that does not keep to the rules would meet it: frames are written by hand.
private final class BareWorker {
    struct Silent: Error {}

    private let process: SpawnedProcess
    private var decoder = FrameDecoder()

    init() throws { process = try BuildProducts.testWorker.spawn() }

    deinit {
        _ = futures_pidfd_signal(process.pidfd.rawValue, SIGKILL)
        var exit = futures_exit()
        _ = futures_reap(process.pidfd.rawValue, 1, &exit)
    }

    func send(_ messages: (Message, Payload)...) throws { try send(messages) }

    func send(_ messages: [(Message, Payload)]) throws {
        var buffer = FrameBuffer()
        for (message, payload) in messages { try buffer.append(message, payload: payload) }
        let written = buffer.withFirstBytes { process.toWorker.write($0) }
        #expect(written == buffer.count)
    }

    /// The next message; nil at the end.
    func receive() throws -> Message? {
        while true {
            var message: Message?
            if try decoder.withNextFrame({ message = try Message(decoding: $0) }) { return message }
            try wait(for: process.fromWorker)
            let result = decoder.withFreeSpace { space in
                let result = process.fromWorker.read(into: space)
                guard case .bytes(let count) = result else { return (count: 0, result: result) }
                return (count: count, result: result)
            }
            if result == .endOfFile { return nil }
        }
    }

    /// Waits until it has read all that it was sent.
    func waitUntilRead() throws { try spin { futures_readable_bytes(process.toWorker.rawValue) == 0 } }

    /// Waits until the pipe from it is full, but for what the first and last page may lack.
    func waitUntilFull() throws {
        let getPipeSize: Int32 = 1032  // F_GETPIPE_SZ of linux/fcntl.h
        let size = fcntl(process.fromWorker.rawValue, getPipeSize)
        #expect(size > 0)
        try spin { futures_readable_bytes(process.fromWorker.rawValue) > size - 2 * getpagesize() }
    }

    /// Waits for its end; its exit code and what it wrote to its standard error.
    func end() throws -> (code: Int32, words: String) {
        try wait(for: process.pidfd)
        var exit = futures_exit()
        #expect(futures_reap(process.pidfd.rawValue, 0, &exit) == 1 && exit.is_signal == 0)
        var text = [UInt8](repeating: 0, count: 4096)
        let result = text.withUnsafeMutableBytes { process.standardError.read(into: $0) }
        guard case .bytes(let count) = result else { return (exit.value, "") }
        return (exit.value, String(decoding: text[..<count], as: UTF8.self))
    }

    private func wait(for descriptor: borrowing FileDescriptor) throws {
        var ready = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 60_000) == 1 else { throw Silent() }
    }
}

private func payload(_ numbers: Int...) throws -> Payload {
    var encoder = PayloadEncoder()
    let codec = ValueCodec<Int>()
    for number in numbers { try codec.encode(number, into: &encoder) }
    return encoder.finish()
}

extension ProcessSuites {
    @Suite struct WorkerSessionTests {
        private let hello = (Message.hello(Hello()), Payload.empty)

        private func index(of name: String) -> UInt32 { UInt32(testRegistry.indexByName[name]!) }

        @Test("a task before the hello ends the worker, which says why")
        func taskBeforeHello() throws {
            try Leftovers.check {
                let worker = try BareWorker()
                let task = TaskMessage(id: 1, function: index(of: "add"))
                try worker.send((.task(task), try payload(1, 2)))
                let end = try worker.end()
                #expect(end.code == 76)
                #expect(end.words.hasSuffix("the pool's first message is task (3), not hello\n"), "\(end.words)")
            }
        }

        @Test("a second hello ends the worker, which says why")
        func secondHello() throws {
            try Leftovers.check {
                let worker = try BareWorker()
                try worker.send(hello, hello)
                let end = try worker.end()
                #expect(end.code == 76)
                #expect(end.words.hasSuffix("the pool said hello twice\n"), "\(end.words)")
            }
        }

        @Test("arguments that the function does not have fail the call, in a chunk too; the worker lives on")
        func leftoverArguments() throws {
            try Leftovers.check {
                let worker = try BareWorker()
                try worker.send(
                    hello,
                    (.task(TaskMessage(id: 1, function: index(of: "add"))), try payload(1, 2, 3)),
                    (.chunk(ChunkMessage(id: 2, function: index(of: "nothing"), count: 3)), try payload(3)),
                    (.task(TaskMessage(id: 3, function: index(of: "add"))), try payload(1, 2)),
                    (.drain(Drain(reason: "")), .empty))
                guard case .welcome = try worker.receive() else { throw BareWorker.Silent() }
                for id in 1...2 {
                    guard case .failure(let failure) = try worker.receive() else { throw BareWorker.Silent() }
                    #expect(failure.id == UInt64(id))
                    #expect(failure.failure.place == .decodingArguments)
                    #expect(failure.failure.message.contains("values, and only"), "\(failure.failure.message)")
                }
                guard case .result(let result) = try worker.receive() else { throw BareWorker.Silent() }
                #expect(result.id == 3)
                guard case .goodbye = try worker.receive() else { throw BareWorker.Silent() }
                #expect(try worker.receive() == nil)
                #expect(try worker.end().code == 0)
            }
        }

        @Test(
            "what it takes to write a large answer is not the next task's time",
            arguments: [0, workerJournalDescriptor])
        func slowReader(journal: UInt32) throws {
            try Leftovers.check {
                let writing = Duration.milliseconds(200)
                var time = writing
                // The quick task may be paused for so long. If the writing were its time, it would be so each time.
                for _ in 0..<3 where time >= writing {
                    let worker = try BareWorker()
                    let large = TaskMessage(id: 1, function: index(of: "make_bytes"))
                    let quick = TaskMessage(id: 2, function: index(of: "increment"))
                    try worker.send(
                        (.hello(Hello(journalDescriptor: journal)), .empty), (.task(large), try payload(8 << 20)),
                        (.task(quick), try payload(1)))
                    try worker.waitUntilFull()
                    // Nobody reads for so long: at least this time it takes to write the rest.
                    let end = ContinuousClock.now + writing
                    while ContinuousClock.now < end { usleep(10_000) }
                    guard case .welcome = try worker.receive(), case .result = try worker.receive(),
                        case .result(let result) = try worker.receive()
                    else { throw BareWorker.Silent() }
                    #expect(result.id == 2)
                    time = .nanoseconds(result.runNanoseconds)
                    try worker.send([(.drain(Drain(reason: "")), .empty)])
                    #expect(try worker.end().code == 0)
                }
                #expect(time < writing)
            }
        }

        @Test("a task that the watcher reads just when the one before it ends is run")
        func readByTheWatcher() throws {
            try Leftovers.check {
                let worker = try BareWorker()
                try worker.send(hello)
                guard case .welcome = try worker.receive() else { throw BareWorker.Silent() }
                let behind = (1...20).map { TaskMessage(id: $0, function: index(of: "increment")) }
                for round in 0..<(WorkerLossTests.crashesArePlain ? 100 : 20) {
                    // The watcher looks at the wire 20 ms after a task has begun, and then some to wake up.
                    let busy = TaskMessage(id: 0, function: index(of: "keep_busy"))
                    try worker.send((.task(busy), try payload(20_000 + round % 50 * 8)))
                    // Not to be read together with it.
                    try worker.waitUntilRead()
                    try worker.send(try behind.map { (.task($0), try payload(1)) })
                    for id in 0...20 {
                        guard case .result(let result) = try worker.receive() else { throw BareWorker.Silent() }
                        #expect(result.id == UInt64(id))
                    }
                }
                try worker.send([(.drain(Drain(reason: "")), .empty)])
                #expect(try worker.end().code == 0)
            }
        }

        @Test("what the pool accepts decides how much an answer says, and whether it is compressed")
        func limits() throws {
            try Leftovers.check {
                let worker = try BareWorker()
                // More than the list of its functions takes, less than an error has to say.
                let hello = Hello(
                    limits: WireLimits(maxMessageSize: 18_000, maxPayloadSize: 1000), compression: .zlib(threshold: 100)
                )
                try worker.send(
                    (.hello(hello), .empty),
                    (.task(TaskMessage(id: 1, function: index(of: "refuse_at_length"))), try payload(20_000)),
                    (.task(TaskMessage(id: 2, function: index(of: "zeros"))), try payload(10_000)),
                    (.task(TaskMessage(id: 3, function: index(of: "zeros"))), try payload(100_000_000)))
                guard case .welcome = try worker.receive() else { throw BareWorker.Silent() }
                guard case .failure(let failure) = try worker.receive() else { throw BareWorker.Silent() }
                #expect(failure.failure.message.hasSuffix("é… (20000 bytes in all)"), "\(failure.failure.message)")
                guard case .result(let result) = try worker.receive() else { throw BareWorker.Silent() }
                #expect(result.format.compression == .zlib && result.format.decompressedSize == 10_000)
                guard case .failure(let tooLarge) = try worker.receive() else { throw BareWorker.Silent() }
                #expect(tooLarge.failure.place == .encodingResult)
            }
        }
    }
}
