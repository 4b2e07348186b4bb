internal import CProto
import Glibc
import Wire

/// A function that a worker can run.
public struct WorkerFunction: Sendable, Hashable, CustomStringConvertible {
    /// Its name, unique in a worker.
    public let name: String
    /// Its argument and result types.
    public let signature: Signature

    package init(name: String, signature: Signature) {
        self.name = name
        self.signature = signature
    }

    /// What a worker tells about the function.
    package init(_ function: RegisteredFunction) { self.init(name: function.name, signature: function.signature) }

    /// Name and types, `pow(Swift.Int, Swift.Int) -> Swift.Int`.
    public var description: String { "\(name)\(signature)" }
}

extension WorkerCommand {
    /// Starts the program as a worker, asks which functions it has, and ends it; blocks the thread.
    ///
    /// ```swift
    /// let functions = try WorkerCommand.workerHost(at: path, load: library).functions()
    /// ```
    ///
    /// - Parameter timeout: how long that may take.
    /// - Returns: the functions in the worker's order.
    /// - Throws: ``WorkerStartError`` when the program cannot be run, or is no worker; ``SystemError`` without descriptors
    ///   or processes left.
    @available(*, noasync, message: "this blocks the thread; use `await functions()`")
    public func functions(timeout: Duration = .seconds(60)) throws -> [WorkerFunction] {
        try ask(timeout, until: Future())
    }

    /// Starts the program as a worker, asks which functions it has, and ends it; suspends the task.
    ///
    /// - Parameter timeout: how long that may take.
    /// - Returns: the functions in the worker's order.
    /// - Throws: as the blocking form; `CancellationError` when the task is cancelled, which ends the program, too.
    public func functions(timeout: Duration = .seconds(60)) async throws -> [WorkerFunction] {
        let (answer, end) = (Future<[WorkerFunction]>(), Future<Void>())
        try DriverThread(name: "futures-inquiry").start { answer.run { try ask(timeout, until: end) } }
        return try await withTaskCancellationHandler {
            try await answer.value
        } onCancel: {
            end.cancel()
        }
    }

    /// - Parameter end: nobody wants to know any more when it is done.
    private func ask(_ timeout: Duration, until end: Future<Void>) throws -> [WorkerFunction] {
        // It would be asked for its functions by itself, and so on without end.
        guard !WorkerProcess.isUnserved else { throw WorkerStartError(command: self, reason: .isItselfAWorker) }
        try validate()
        // A program that ends at once is an error, and not our end.
        futures_ignore_sigpipe()
        let inquiry = WorkerInquiry(self, try spawn(), Deadline(after: timeout), end)
        defer { inquiry.link.killAndReap() }
        do {
            return try inquiry.functions()
        } catch let reason as WorkerInquiry.Failure {
            let reason =
                if case .reason(let reason) = reason { reason } else { WorkerStartError.Reason.timedOut(timeout) }
            throw WorkerStartError(
                command: self, reason: reason, pid: inquiry.link.pid, standardError: inquiry.link.errorOutput.tail)
        }
    }
}

/// The handshake with a worker that is to do nothing else.
private struct WorkerInquiry {
    enum Failure: Error {
        case reason(WorkerStartError.Reason)
        case timedOut
    }

    let link: PipeLink
    private let deadline: Deadline
    private let end: Future<Void>

    init(_ command: WorkerCommand, _ process: consuming SpawnedProcess, _ deadline: Deadline, _ end: Future<Void>) {
        link = PipeLink(id: WorkerID(rawValue: 0), command: command, process: process)
        self.deadline = deadline
        self.end = end
    }

    func functions() throws -> [WorkerFunction] {
        try link.outbox.append(
            .hello(Hello(workerID: link.id.rawValue, journalDescriptor: workerJournalDescriptor)))
        while true {
            // The program may have ended; what it has said before counts.
            if case .closed = link.flush() { link.isClosedByWorker = true }
            _ = link.errorOutput.read()
            if let welcome = try read() { return try functions(of: welcome) }
            if link.hasStoppedReading { throw Failure.reason(.ended(try status())) }
            try wait([
                (link.fromWorker.rawValue, POLLIN), (link.outbox.isEmpty ? -1 : link.toWorker.rawValue, POLLOUT),
                (link.errorOutput.hasEnded ? -1 : link.errorOutput.descriptor.rawValue, POLLIN),
            ])
        }
    }

    /// Reads what is there, up to the welcome.
    private func read() throws -> Welcome? {
        while true {
            if let welcome = try welcome() { return welcome }
            let result = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { space in
                let result = link.fromWorker.read(into: space)
                if case .bytes(let count) = result {
                    link.decoder.append(UnsafeRawBufferPointer(rebasing: space[..<count]))
                }
                return result
            }
            switch result {
            case .bytes: continue
            case .wouldBlock: return nil
            case .endOfFile, .failed:
                link.hasStoppedReading = true
                return nil
            }
        }
    }

    private func welcome() throws -> Welcome? {
        var welcome: Welcome?
        do {
            _ = try link.decoder.withNextFrame { frame throws(WireError) in
                if case .welcome(let message) = try Message(decoding: frame, limits: link.receiveLimits) {
                    welcome = message
                } else {
                    throw .unexpectedFrame(kind: frame.kind, expected: "welcome")
                }
            }
        } catch {
            throw Failure.reason(.notTheProtocol("\(error)"))
        }
        return welcome
    }

    private func functions(of welcome: Welcome) throws -> [WorkerFunction] {
        let ours = WireVersion.oldest...WireVersion.current
        guard ours.contains(welcome.wireVersion) else {
            throw Failure.reason(.version(ours: ours, theirs: welcome.wireVersion))
        }
        if !welcome.error.isEmpty { throw Failure.reason(.refused(welcome.error)) }
        return welcome.functions.map { WorkerFunction(name: $0.name, signature: Signature($0.signature)) }
    }

    /// How the process ended, which closed its end of the wire.
    private func status() throws -> TerminationStatus {
        while true {
            if let status = link.reap() {
                _ = link.errorOutput.read()
                return status
            }
            try wait([(link.pidfd.rawValue, POLLIN)])
            _ = link.errorOutput.read()
        }
    }

    /// Waits until one of the descriptors is ready, or a moment.
    private func wait(_ descriptors: [(descriptor: Int32, events: Int32)]) throws {
        // Whoever asks is told so: this thread may be the first to come to it.
        if end.isDone { throw CancellationError() }
        if deadline.hasPassed { throw Failure.timedOut }
        var polled = descriptors.map { pollfd(fd: $0.descriptor, events: Int16($0.events), revents: 0) }
        // The time limit is looked at ten times a second; a worker answers within milliseconds.
        _ = poll(&polled, nfds_t(polled.count), 100)
    }
}
