import Wire

/// A function as one pool knows it. A class, since each job of it has it.
final class PoolFunction: Sendable {
    /// Counts the functions of the pool.
    let index: Int
    let name: String
    let signature: Signature

    init(index: Int, name: String, signature: Signature) {
        self.index = index
        self.name = name
        self.signature = signature
    }
}

/// A submitted call without its types: what goes to a worker, and what is to be done with the answer.
///
/// Immutable but for its future, which guards itself; so any thread may use it.
package class PoolJob: @unchecked Sendable {
    final let function: PoolFunction
    private final let bytes: [UInt8]
    private final let format: PackedFormat
    private final let jobLimits: JobLimits
    final let future: AnyFuture

    init(function: PoolFunction, payload: Payload, limits: JobLimits, future: AnyFuture) {
        self.function = function
        bytes = payload.bytes
        format = PackedFormat(payload.format)
        jobLimits = limits
        self.future = future
    }

    /// The encoded arguments; kept until the answer is there, since the task may be sent again.
    final var payload: Payload { Payload(bytes: bytes, format: format.format) }

    /// How long it, or each of its elements, may run.
    final var limits: TaskLimits { jobLimits.limits }

    /// How many elements a chunk has; nil for a single call.
    var elementCount: Int? { nil }

    /// How many of its elements are to be run again, when it failed.
    final var retryCount: Int { max(1, (self as? ElementsJob)?.deferredCount ?? 1) }

    /// Ends the future with the worker's answer. The bytes are valid during the call only.
    func complete(with answer: Answer, from origin: AnswerOrigin, _ later: inout Notifications) {
        fatalError("overridden")
    }

    /// The error that a worker describes, with the type that it has for the caller.
    final func error(
        _ failure: FailureDescription, element: Int? = nil, from origin: AnswerOrigin
    ) -> any Error {
        guard failure.place == .interrupted else {
            return failure.error(functionName: function.name, codecs: errorCodecs, from: origin)
        }
        return TaskTimeoutError(
            .soft, limit: .nanoseconds(limits.soft), functionName: function.name, element: element,
            processID: origin.pid)
    }

    /// The error types that the callable names.
    var errorCodecs: [ErrorCodec] { fatalError("overridden") }

    /// Ends the future with what befell the task.
    func fail(_ error: any Error, _ later: inout Notifications) { future.fail(error, &later) }

    /// Cancels the future.
    func cancel(_ later: inout Notifications) { future.cancelByOwner(&later) }

    /// What a worker says about a task.
    enum Answer {
        case result(format: PayloadFormat, FrameView)
        case chunkResult(ChunkResultMessage, FrameView)
        case failure(FailureDescription)
    }
}

/// A format in one word, since a pool may have a million jobs.
private struct PackedFormat {
    private static let sizeShift: UInt64 = 16
    private let word: UInt64

    init(_ format: PayloadFormat) {
        // That of bytes that this program had in memory.
        precondition(format.decompressedSize < 1 << (64 - Self.sizeShift))
        let compression = UInt64(format.compression.rawValue)
        word = format.decompressedSize << Self.sizeShift | compression << 8 | UInt64(format.encoding.rawValue)
    }

    var format: PayloadFormat {
        PayloadFormat(
            encoding: PayloadFormat.Encoding(rawValue: UInt8(truncatingIfNeeded: word))!,
            compression: PayloadFormat.Compression(rawValue: UInt8(truncatingIfNeeded: word >> 8))!,
            decompressedSize: word >> Self.sizeShift)
    }
}

/// Which worker an answer came from, for error messages and limits.
struct AnswerOrigin {
    let pid: Int32
    let limits: WireLimits
}

/// A single call.
final class CallJob<Output: Sendable>: PoolJob, @unchecked Sendable {
    private let output: ValueCodec<Output>
    private let errors: [ErrorCodec]
    private var typedFuture: Future<Output> { unsafeDowncast(future, to: Future<Output>.self) }

    required init(
        function: PoolFunction, payload: Payload, limits: JobLimits, output: ValueCodec<Output>,
        errors: [ErrorCodec], future: Future<Output>
    ) {
        self.output = output
        self.errors = errors
        super.init(function: function, payload: payload, limits: limits, future: future)
    }

    override var errorCodecs: [ErrorCodec] { errors }

    override func complete(with answer: Answer, from origin: AnswerOrigin, _ later: inout Notifications) {
        switch answer {
        case .result(let format, let frame):
            do {
                var decoder = try PayloadDecoder(frame, format: format, limits: origin.limits)
                let value = try output.decode(from: &decoder)
                try decoder.finish()
                typedFuture.fulfil(value, &later)
            } catch {
                fail(TransportError(.decodingResult, functionName: function.name, cause: error), &later)
            }
        case .failure(let description): fail(error(description, from: origin), &later)
        case .chunkResult: failUnexpected(&later)
        }
    }
}

extension PoolJob {
    final func failUnexpected(_ later: inout Notifications) {
        let error = TransportError(
            .decodingResult, functionName: function.name,
            message: "the worker answered a chunk as a single call, or the other way round")
        future.fail(error, &later)
    }
}

extension FailureDescription {
    /// The error that the caller gets: of its own type where the callable named that type, else a ``RemoteError``.
    func error(functionName: String, codecs: [ErrorCodec], from origin: AnswerOrigin) -> any Error {
        switch place {
        case .running, .initializing, .interrupted:
            if let payload, let codec = codecs.first(where: { $0.typeName == typeName }),
                let error = try? codec.decode(payload, origin.limits)
            {
                return error
            }
            return RemoteError(
                typeName: typeName, message: message, detail: detail, functionName: functionName, pid: origin.pid,
                backtrace: backtrace)
        case .decodingArguments:
            return TransportError(.decodingArguments, functionName: functionName, message: message)
        case .encodingResult:
            return TransportError(.encodingResult, functionName: functionName, message: message)
        case .refused:
            return TransportError(.refused, functionName: functionName, message: message)
        }
    }
}
