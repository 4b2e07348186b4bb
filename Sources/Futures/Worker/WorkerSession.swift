internal import CProto
import DequeModule
import Glibc
import Synchronization
import Wire

/// A worker's life: reads tasks, runs them one after the other on the calling thread, writes the answers.
///
/// While a task runs for long, a second thread, the watcher, tells the answers that were collected before it, and reads
/// the wire: it gives back tasks that are asked for, answers pings, and ends the process when the parent is gone. Reading
/// and writing are roles that one thread has at a time; each is a lock which is held during the system call. Who reads may
/// write, to answer what it has read; who writes never reads.
final class WorkerSession: Sendable {
    private let registry: FunctionRegistry
    /// Why it does not serve at all; empty if it does.
    private let refusal: String
    let input: Int32
    let output: Int32
    /// The role of reading.
    private let reading: Mutex<FrameDecoder>
    /// The role of writing.
    private let writing: Mutex<WorkerOutput>
    private let inbox = Mutex(Inbox())
    /// What the pool's first message says, once it is there.
    private let greeting = Mutex<Greeting?>(nil)
    /// Set with the hello.
    private let journal = Mutex<JournalWriter?>(nil)
    /// The chunk that the main thread runs.
    private let running = Mutex<ChunkRun?>(nil)
    let busy = BusyMark()
    private let lender = PayloadLender()

    /// What was read and is to be done.
    enum Request: Sendable {
        case task(TaskMessage, [UInt8])
        case chunk(ChunkMessage, [UInt8])
        case drain
    }

    /// How the pool wants answers. Without references: it is copied for each of them.
    private struct Greeting {
        let compression: CompressionPolicy
        let limits: WireLimits
        /// In nanoseconds.
        let spinTime: Int64
    }

    private struct Inbox {
        var requests = Deque<Request>()
        var tasksRun: UInt64 = 0
    }

    /// Why the session ends.
    enum End: Error {
        /// Told to by the parent.
        case drained
        /// The parent is gone, or does not listen any more.
        case parentGone
        case failed(String)

        /// A system call on the wire gave this error.
        init(_ number: Int32, of call: String) {
            switch number {
            case EPIPE, ECONNRESET: self = .parentGone
            // A task has closed the descriptor, or put another in its place.
            default: self = .failed("\(call) the wire failed: \(String(cString: strerror(number)))")
            }
        }
    }

    /// Answers are collected up to this size; all of them are in the journal.
    private static let batchSize = JournalLayout.ringSize / 2
    /// A finished task's answer waits no longer than this for others to go with it: about what a write costs.
    private static let batchDelay: Int64 = 20_000
    /// Whatever the pool says.
    private static let longestSpinTime: Int64 = 1_000_000_000

    init(_ registry: FunctionRegistry, input: Int32, output: Int32, refusal: String = "") {
        self.registry = registry
        self.refusal = refusal
        self.input = input
        self.output = output
        var decoder = FrameDecoder()
        decoder.detachedWay = .put
        reading = Mutex(decoder)
        writing = Mutex(WorkerOutput(descriptor: output))
    }

    func run() -> Int32 {
        do throws(End) {
            CallInterruption.current.serveHere()
            SharedStore.current.servesPool()
            try WorkerWatcher.start(self)
            try runTasks()
        } catch {
            switch error {
            case .drained:
                let goodbye = Goodbye(reason: .drained, tasksRun: inbox.withLock { $0.tasksRun })
                try? send(.goodbye(goodbye))
                return 0
            case .parentGone: WorkerGroup.endAtOnce()
            case .failed(let message):
                try? send(.goodbye(Goodbye(reason: .error, message: message)))
                return fail(message)
            }
        }
    }

    /// Tells the person at the pool's standard error; returns the exit code for it.
    func fail(_ message: String) -> Int32 {
        writeToStandardError("worker process \(getpid()): \(message)\n")
        return 76  // EX_PROTOCOL of sysexits.h: the remote side broke the rules
    }

    // MARK: Running

    private func runTasks() throws(End) -> Never {
        var oldestAnswer: Int64?
        // The end of the task before, if little has been done since: reading the clock takes as long as a short task.
        var lastEnd: Int64?
        var spinning = SpinPolicy()
        while true {
            guard let request = inbox.withLock({ $0.requests.popFirst() }) else {
                try flush()
                oldestAnswer = nil
                lastEnd = nil
                lookForRequests(&spinning)
                try read()
                continue
            }
            if case .drain = request { throw .drained }
            let start = lastEnd ?? futures_monotonic_nanoseconds()
            note(request, start)
            busy.begin(at: start)
            var end = start
            var answer = perform(request, start, &end)
            busy.end()
            CallInterruption.current.end()
            answer.isLent = lends(answer)
            let (size, hasWaited) = try append(answer)
            if answer.isLent {
                try flush()
                try waitUntilTaken()
                oldestAnswer = nil
                lastEnd = nil
                continue
            }
            lastEnd = hasWaited ? nil : end
            // What is finished is told at once when more would be waited for. When the next task takes long, the watcher
            // tells it.
            if size >= Self.batchSize || end - (oldestAnswer ?? start) >= Self.batchDelay {
                try flush()
                oldestAnswer = nil
                lastEnd = nil
            } else if oldestAnswer == nil {
                oldestAnswer = start
            }
        }
    }

    private func note(_ request: Request, _ start: Int64) {
        let (task, attempt): (UInt64, UInt32)
        switch request {
        case .task(let message, _): (task, attempt) = (message.id, message.attempt)
        case .chunk(let message, _): (task, attempt) = (message.id, message.attempt)
        case .drain: return
        }
        CallInterruption.current.begin(task: task, attempt: attempt)
        journal.withLock { $0 }?.begin(task: task, attempt: attempt, at: start)
    }

    /// - Parameter end: when it was done.
    private func perform(_ request: Request, _ start: Int64, _ end: inout Int64) -> Answer {
        func runTime() -> UInt64 {
            end = futures_monotonic_nanoseconds()
            return UInt64(max(0, end - start))
        }
        let compression = greeting.withLock { $0?.compression } ?? .off
        switch request {
        case .task(let task, let bytes):
            do throws(InvocationFailure) {
                let function = try position(of: task.function)
                var decoder = try decoder(bytes, task.format)
                let payload = try registry.functions[function].run(&decoder).compressed(by: compression)
                let message = ResultMessage(
                    id: task.id, attempt: task.attempt, format: payload.format, runNanoseconds: runTime())
                return Answer(message: .result(message), payload: payload)
            } catch {
                return failed(task.id, task.attempt, runTime(), error)
            }
        case .chunk(let chunk, let bytes):
            do throws(InvocationFailure) {
                let function = try position(of: chunk.function)
                var decoder = try decoder(bytes, chunk.format)
                let run = chunkRun(chunk, compression)
                running.withLock { $0 = run }
                defer { running.withLock { $0 = nil } }
                let reply = try registry.functions[function].runChunk(run, &decoder)
                return answer(chunk, reply, compression, runTime())
            } catch {
                return failed(chunk.id, chunk.attempt, runTime(), error)
            }
        case .drain: preconditionFailure("draining is not a task")
        }
    }

    private func chunkRun(_ chunk: ChunkMessage, _ compression: CompressionPolicy) -> ChunkRun {
        let journal = journal.withLock { $0 }
        let ranges = chunk.ranges.map { Int($0.lowerBound)..<Int($0.upperBound) }
        let tell: @Sendable (ChunkReply) -> Void = { self.tell($0, of: chunk, compression) }
        return ChunkRun(
            count: Int(chunk.count), ranges: ranges, journal: journal, timesElements: chunk.timesElements,
            tell: chunk.isInParts ? tell : nil)
    }

    /// Tells a part of the running chunk. A wire that is broken shows at the end of the chunk, too.
    private func tell(_ reply: ChunkReply, of chunk: ChunkMessage, _ compression: CompressionPolicy) {
        do {
            let (size, _) = try append(answer(chunk, reply, compression, 0, part: UInt32(reply.count)))
            if size >= Self.batchSize { try flush() }
        } catch {}
    }

    private func answer(
        _ chunk: ChunkMessage, _ reply: ChunkReply, _ compression: CompressionPolicy, _ runTime: UInt64,
        part: UInt32 = 0
    ) -> Answer {
        let payload = reply.payload.compressed(by: compression)
        let message = ChunkResultMessage(
            id: chunk.id, attempt: chunk.attempt, format: payload.format, count: chunk.count, runNanoseconds: runTime,
            failures: reply.failures, part: part)
        return Answer(message: .chunkResult(message), payload: payload)
    }

    private func failed(_ id: UInt64, _ attempt: UInt32, _ runTime: UInt64, _ failure: InvocationFailure) -> Answer {
        Answer(
            message: .failure(
                FailureMessage(id: id, attempt: attempt, runNanoseconds: runTime, failure: failure.description)))
    }

    /// Where in the registry a function is.
    private func position(of index: UInt32) throws(InvocationFailure) -> Int {
        guard Int(index) < registry.functions.count else {
            throw refusal("it has \(registry.functions.count) functions, and was asked for number \(index)")
        }
        return Int(index)
    }

    private func decoder(_ bytes: [UInt8], _ format: PayloadFormat) throws(InvocationFailure) -> PayloadDecoder {
        do {
            return try PayloadDecoder(payload: Payload(bytes: bytes, format: format))
        } catch {
            throw InvocationFailure(description: FailureDescription(error, at: .decodingArguments, encodedBy: []))
        }
    }

    private func refusal(_ message: String) -> InvocationFailure {
        InvocationFailure(
            description: FailureDescription(place: .refused, typeName: "", message: message))
    }

    // MARK: Reading

    /// Before it sleeps, if that is worth it. What comes is read by whoever has the role then.
    private func lookForRequests(_ spinning: inout SpinPolicy) {
        let time = greeting.withLock { $0?.spinTime } ?? 0
        guard time > 0, spinning.begins() else { return }
        spinning.ended(isFound: futures_spin_until_readable(input, time) != 0)
    }

    /// Reads once, waiting until there is something, and takes in all whole frames. Does nothing while requests wait.
    private func read() throws(End) {
        try reading.withLock { decoder throws(End) in
            // The watcher may have read since the inbox was found empty, and nothing more need come: the pool waits.
            guard inbox.withLock({ $0.requests.isEmpty }) else { return }
            try read(&decoder)
        }
    }

    /// Reads until the pool has taken the payload that it was lent: no other task may end this process before.
    private func waitUntilTaken() throws(End) {
        while lender.isLent {
            try reading.withLock { decoder throws(End) in
                guard lender.isLent else { return }
                try read(&decoder)
            }
        }
    }

    /// Reads as long as there is something, if nobody else is reading. The watcher's.
    func readWhatIsThere() throws(End) {
        _ = try reading.withLockIfAvailable { decoder throws(End) in
            var ready = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
            while poll(&ready, 1, 0) == 1 { try read(&decoder) }
        }
    }

    private func read(_ decoder: inout FrameDecoder) throws(End) {
        let count = decoder.withFreeSpace { space in
            var count = Glibc.read(input, space.baseAddress, space.count)
            while count < 0, errno == EINTR { count = Glibc.read(input, space.baseAddress, space.count) }
            return (count: max(count, 0), result: count < 0 ? -Int(errno) : count)
        }
        guard count > 0 else { throw count == 0 ? .parentGone : End(Int32(-count), of: "reading") }
        do {
            while try decoder.withNextFrame({ try take($0) }) {}
            if let address = decoder.takeRoom() { try send(.room(Room(address: address))) }
        } catch let end as End {
            throw end
        } catch {
            throw .failed("what the pool sent is not the wire's protocol: \(error)")
        }
    }

    private func take(_ frame: FrameView) throws {
        let message = try Message(decoding: frame)
        guard greeting.withLock({ $0 != nil }) else {
            guard case .hello(let hello) = message else {
                throw End.failed("the pool's first message is \(frame.kind), not hello")
            }
            return try greet(hello)
        }
        switch message {
        case .hello: throw End.failed("the pool said hello twice")
        case .task(let task): enqueue(.task(task, frame.payloadArray))
        case .chunk(let chunk): enqueue(.chunk(chunk, frame.payloadArray))
        case .cancel(let cancel): try answer(cancel)
        case .ping(let ping): try send(.pong(ping))
        case .drain: enqueue(.drain)
        case .taken: lender.taken()
        case .pong: break
        case .welcome, .result, .chunkResult, .failure, .cancelReply, .goodbye, .room:
            throw End.failed("the pool sent \(frame.kind), which only a worker may send")
        }
    }

    private func enqueue(_ request: Request) {
        inbox.withLock { inbox in
            inbox.requests.append(request)
            if case .drain = request {} else { inbox.tasksRun += 1 }
        }
    }

    private func greet(_ hello: Hello) throws(End) {
        let ours = WireVersion.oldest...WireVersion.current
        var welcome = Welcome(
            wireVersion: min(hello.wireVersion, WireVersion.current), pid: Int64(getpid()),
            functions: registry.functions.map {
                FunctionDescription(
                    name: $0.name, signature: $0.signature.description, fingerprint: $0.signature.fingerprint)
            }, error: refusal)
        if hello.capabilities.contains(WireCapability.detachedPayloads) {
            welcome.capabilities = [WireCapability.detachedPayloads]
            welcome.probe = lender.probe
        }
        if hello.minimumWireVersion > ours.upperBound || hello.wireVersion < ours.lowerBound {
            welcome.wireVersion = WireVersion.current
            welcome.error = """
                the pool speaks versions \(hello.minimumWireVersion) to \(hello.wireVersion) of the wire, this worker \
                \(ours.lowerBound) to \(ours.upperBound)
                """
        }
        let journal =
            hello.journalDescriptor == 0 ? nil : JournalWriter(descriptor: Int32(clamping: hello.journalDescriptor))
        self.journal.withLock { $0 = journal }
        CallReporter.current.serve(journal)
        greeting.withLock {
            $0 = Greeting(
                compression: hello.compression, limits: hello.limits,
                spinTime: min(Int64(hello.spinNanoseconds), Self.longestSpinTime))
        }
        writing.withLock { output in
            output.setLimits(hello.limits)
            output.journal = journal
        }
        try send(.welcome(welcome))
    }

    private func answer(_ cancel: CancelMessage) throws(End) {
        if cancel.kind == .interrupt {
            CallInterruption.current.request(task: cancel.id, attempt: cancel.attempt, element: cancel.element)
            return
        }
        let takenBack = inbox.withLock { inbox in
            let index = inbox.requests.firstIndex { $0.isTask(cancel.id, cancel.attempt) }
            guard let index else { return false }
            inbox.requests.remove(at: index)
            inbox.tasksRun -= 1
            return true
        }
        try send(.cancelReply(CancelReply(id: cancel.id, attempt: cancel.attempt, takenBack: takenBack)))
    }

    // MARK: Writing

    /// - Returns: how many bytes wait to be written, and whether it may have taken long.
    private func append(_ answer: Answer) throws(End) -> (size: Int, hasWaited: Bool) {
        let size = try writing.withLockIfAvailable { output throws(End) in try output.append(answer) }
        // One that is large was written at once.
        if let size { return (size, size == 0) }
        return (try writing.withLock { output throws(End) in try output.append(answer) }, true)
    }

    /// Whether the pool takes the answer's payload from memory; it is kept for that.
    private func lends(_ answer: Answer) -> Bool {
        guard answer.payload.bytes.count >= PayloadLender.smallest, let limits = greeting.withLock({ $0?.limits })
        else {
            return false
        }
        return answer.canBeLent(limits) && lender.lend(answer.payload.bytes)
    }

    /// Writes a message and everything before it.
    private func send(_ message: Message) throws(End) {
        try writing.withLock { output throws(End) in
            try output.append(Answer(message: message))
            try output.flush()
        }
    }

    /// Writes the answers that were collected before the running task, unless the main thread is writing. The watcher's:
    /// they must not wait for the end of a task that takes long.
    func flushWhatWaits() throws(End) {
        running.withLock { $0 }?.becomeDue()
        _ = try writing.withLockIfAvailable { output throws(End) in try output.flush() }
    }

    private func flush() throws(End) {
        try writing.withLock { output throws(End) in try output.flush() }
    }
}

extension WorkerSession.Request {
    fileprivate func isTask(_ id: UInt64, _ attempt: UInt32) -> Bool {
        switch self {
        case .task(let task, _): task.id == id && task.attempt == attempt
        case .chunk(let chunk, _): chunk.id == id && chunk.attempt == attempt
        case .drain: false
        }
    }
}
