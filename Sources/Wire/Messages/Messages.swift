/// The parent's first frame: what it speaks, takes and wants.
public struct Hello: Sendable, Hashable {
    /// The wire version that the parent wants to speak.
    public var wireVersion: UInt32
    /// The oldest wire version that it can speak.
    public var minimumWireVersion: UInt32
    /// What it is willing to receive.
    public var limits: WireLimits
    /// Optional features that it has.
    public var capabilities: [String]
    /// Its number for this worker.
    public var workerID: UInt64
    /// How the worker shall compress what it sends.
    public var compression: CompressionPolicy
    /// The number of the descriptor that is the worker's journal; 0 if it has none.
    public var journalDescriptor: UInt32
    /// For how many nanoseconds the worker may look again and again for the next task before it sleeps.
    public var spinNanoseconds: UInt32

    /// A hello of this version of the wire unless told otherwise.
    public init(
        wireVersion: UInt32 = WireVersion.current, minimumWireVersion: UInt32 = WireVersion.oldest,
        limits: WireLimits = .default, capabilities: [String] = [], workerID: UInt64 = 0,
        compression: CompressionPolicy = .off, journalDescriptor: UInt32 = 0, spinNanoseconds: UInt32 = 0
    ) {
        self.wireVersion = wireVersion
        self.minimumWireVersion = minimumWireVersion
        self.limits = limits
        self.capabilities = capabilities
        self.workerID = workerID
        self.compression = compression
        self.journalDescriptor = journalDescriptor
        self.spinNanoseconds = spinNanoseconds
    }
}

/// Names of the optional features that this code knows.
public enum WireCapability {
    /// Payloads that do not go through the stream, but from memory to memory.
    public static let detachedPayloads = "detached-payloads"
}

/// The versions of the wire that this code speaks.
public enum WireVersion {
    /// The version that it prefers.
    public static let current: UInt32 = 1
    /// The oldest that it understands.
    public static let oldest: UInt32 = 1
}

/// One function that a worker can run.
public struct FunctionDescription: Sendable, Hashable {
    /// Its name, unique within the worker.
    public var name: String
    /// Its argument and result types, for humans.
    public var signature: String
    /// A hash over the signature, equal on both sides.
    public var fingerprint: UInt64

    /// A description with all its parts.
    public init(name: String, signature: String, fingerprint: UInt64) {
        self.name = name
        self.signature = signature
        self.fingerprint = fingerprint
    }
}

/// The worker's answer to hello.
public struct Welcome: Sendable, Hashable {
    /// The wire version of this connection.
    public var wireVersion: UInt32
    /// The worker's process identifier.
    public var pid: Int64
    /// What it can run; tasks name a function by its index here.
    public var functions: [FunctionDescription]
    /// Optional features that both sides have.
    public var capabilities: [String]
    /// What it is willing to receive.
    public var limits: WireLimits
    /// Why it cannot serve; empty if it can.
    public var error: String
    /// What the parent shall find in the worker's memory, if it may look there; nil if no payload may be detached.
    public var probe: MemoryProbe?

    /// A welcome with all its parts.
    public init(
        wireVersion: UInt32 = WireVersion.current, pid: Int64, functions: [FunctionDescription],
        capabilities: [String] = [], limits: WireLimits = .default, error: String = "", probe: MemoryProbe? = nil
    ) {
        self.probe = probe
        self.wireVersion = wireVersion
        self.pid = pid
        self.functions = functions
        self.capabilities = capabilities
        self.limits = limits
        self.error = error
    }
}

/// A number in the memory of a process.
public struct MemoryProbe: Sendable, Hashable {
    /// Where it is; not 0.
    public var address: UInt64
    /// Eight bytes that were there when the message was made.
    public var number: UInt64

    /// A number at an address.
    public init(address: UInt64, number: UInt64) {
        self.address = address
        self.number = number
    }
}

/// Run one function once. The payload holds its arguments.
public struct TaskMessage: Sendable, Hashable {
    /// The parent's number of the task.
    public var id: UInt64
    /// Which attempt at it this is, from 1.
    public var attempt: UInt32
    /// Index into the worker's functions.
    public var function: UInt32
    /// What the payload is.
    public var format: PayloadFormat

    /// A task with all its parts.
    public init(id: UInt64, attempt: UInt32 = 1, function: UInt32, format: PayloadFormat = .values) {
        self.id = id
        self.attempt = attempt
        self.function = function
        self.format = format
    }
}

/// Run one function once for each element. The payload holds one column for each argument.
public struct ChunkMessage: Sendable, Hashable {
    /// The parent's number of the chunk.
    public var id: UInt64
    /// Which attempt at it this is, from 1.
    public var attempt: UInt32
    /// Index into the worker's functions.
    public var function: UInt32
    /// What the payload is.
    public var format: PayloadFormat
    /// How many elements each column has, 1 or more.
    public var count: UInt32
    /// Which of them to run: ascending, none empty, no two overlapping; empty for all.
    public var ranges: [Range<UInt32>]
    /// Tell finished elements by and by.
    public var isInParts: Bool
    /// Note in the journal when each element is begun.
    public var timesElements: Bool

    /// A chunk with all its parts.
    public init(
        id: UInt64, attempt: UInt32 = 1, function: UInt32, format: PayloadFormat = .values, count: UInt32,
        ranges: [Range<UInt32>] = [], isInParts: Bool = false, timesElements: Bool = false
    ) {
        self.id = id
        self.attempt = attempt
        self.function = function
        self.format = format
        self.count = count
        self.ranges = ranges
        self.isInParts = isInParts
        self.timesElements = timesElements
    }
}

/// A task's result, which the payload holds.
public struct ResultMessage: Sendable, Hashable {
    /// The task's.
    public var id: UInt64
    /// The task's.
    public var attempt: UInt32
    /// What the payload is.
    public var format: PayloadFormat
    /// Time that the function took.
    public var runNanoseconds: UInt64

    /// A result with all its parts.
    public init(id: UInt64, attempt: UInt32 = 1, format: PayloadFormat = .values, runNanoseconds: UInt64 = 0) {
        self.id = id
        self.attempt = attempt
        self.format = format
        self.runNanoseconds = runNanoseconds
    }
}

/// A chunk's results. The payload holds one column: the results of the elements that succeeded, in order.
public struct ChunkResultMessage: Sendable, Hashable {
    /// The chunk's.
    public var id: UInt64
    /// The chunk's.
    public var attempt: UInt32
    /// What the payload is.
    public var format: PayloadFormat
    /// How many elements the chunk had.
    public var count: UInt32
    /// Time that all elements took together.
    public var runNanoseconds: UInt64
    /// The elements that failed, by ascending index.
    public var failures: [ElementFailure]
    /// How many elements this is about: the next ones of those that were to be run. 0 for all that are left, with which the
    /// chunk is done. The column has one less for each failure.
    public var part: UInt32

    /// Results with all their parts.
    public init(
        id: UInt64, attempt: UInt32 = 1, format: PayloadFormat = .values, count: UInt32, runNanoseconds: UInt64 = 0,
        failures: [ElementFailure] = [], part: UInt32 = 0
    ) {
        self.id = id
        self.attempt = attempt
        self.format = format
        self.count = count
        self.runNanoseconds = runNanoseconds
        self.failures = failures
        self.part = part
    }
}

/// One element of a chunk that failed.
public struct ElementFailure: Sendable, Hashable {
    /// Its index within the chunk.
    public var index: UInt32
    /// How it failed.
    public var failure: FailureDescription

    /// A failure of the element at `index`.
    public init(index: UInt32, failure: FailureDescription) {
        self.index = index
        self.failure = failure
    }
}

/// A task or a whole chunk failed.
public struct FailureMessage: Sendable, Hashable {
    /// The task's.
    public var id: UInt64
    /// The task's.
    public var attempt: UInt32
    /// Time until it failed.
    public var runNanoseconds: UInt64
    /// How it failed.
    public var failure: FailureDescription

    /// A failure with all its parts.
    public init(id: UInt64, attempt: UInt32 = 1, runNanoseconds: UInt64 = 0, failure: FailureDescription) {
        self.id = id
        self.attempt = attempt
        self.runNanoseconds = runNanoseconds
        self.failure = failure
    }
}

/// How a function failed.
public struct FailureDescription: Sendable, Hashable {
    /// Where a task can fail; the number on the wire is the raw value.
    public enum Place: UInt8, Sendable, Hashable, CaseIterable {
        /// The arguments could not be decoded.
        case decodingArguments = 1
        /// The function threw.
        case running
        /// The result could not be encoded.
        case encodingResult
        /// The worker's initializer failed.
        case initializing
        /// The worker did not accept the task.
        case refused
        /// The function ended early because it had been interrupted.
        case interrupted
    }

    /// Where it failed.
    public var place: Place
    /// Name of the error's type. For humans only.
    public var typeName: String
    /// The error as `String(describing:)` has it.
    public var message: String
    /// The error as `String(reflecting:)` has it.
    public var detail: String
    /// The error itself, as serialised arguments with one value, if its type is Codable.
    public var payload: [UInt8]?
    /// Where it was thrown, innermost first.
    public var backtrace: [String]

    /// A description with all its parts.
    public init(
        place: Place, typeName: String, message: String, detail: String = "", payload: [UInt8]? = nil,
        backtrace: [String] = []
    ) {
        self.place = place
        self.typeName = typeName
        self.message = message
        self.detail = detail
        self.payload = payload
        self.backtrace = backtrace
    }
}

/// Give a task back, or interrupt it.
public struct CancelMessage: Sendable, Hashable {
    /// What is asked for; the number on the wire is the raw value.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// Give it back if it has not begun.
        case takeBack = 1
        /// Tell the running function that it is not wanted any more.
        case interrupt
    }

    /// The task's.
    public var id: UInt64
    /// The task's.
    public var attempt: UInt32
    /// What is asked for.
    public var kind: Kind
    /// Of an interrupt of a chunk: only while it runs this element, below 2^32 - 1; nil for whatever it runs.
    public var element: UInt32?

    /// A request with all its parts.
    public init(id: UInt64, attempt: UInt32 = 1, kind: Kind, element: UInt32? = nil) {
        self.id = id
        self.attempt = attempt
        self.kind = kind
        self.element = element
    }
}

/// The answer to a request to give a task back.
public struct CancelReply: Sendable, Hashable {
    /// The task's.
    public var id: UInt64
    /// The task's.
    public var attempt: UInt32
    /// Whether the worker dropped it and will never answer it.
    public var takenBack: Bool

    /// An answer with all its parts.
    public init(id: UInt64, attempt: UInt32 = 1, takenBack: Bool) {
        self.id = id
        self.attempt = attempt
        self.takenBack = takenBack
    }
}

/// A ping, or the pong that answers it.
public struct Ping: Sendable, Hashable {
    /// Any number; the pong has the ping's.
    public var nonce: UInt64

    /// A ping with this number.
    public init(nonce: UInt64) {
        self.nonce = nonce
    }
}

/// Finish what you have, say goodbye and exit.
public struct Drain: Sendable, Hashable {
    /// Why, for logs.
    public var reason: String

    /// A request to drain.
    public init(reason: String) {
        self.reason = reason
    }
}

/// The worker's last frame.
public struct Goodbye: Sendable, Hashable {
    /// Why a worker leaves; the number on the wire is the raw value.
    public enum Reason: UInt8, Sendable, Hashable, CaseIterable {
        /// It was told to drain.
        case drained = 1
        /// It has run as many tasks, or is as old or large, as it may.
        case recycled
        /// Its input ended.
        case endOfInput
        /// Its initializer failed.
        case initializerFailed
        /// Something else.
        case error
    }

    /// Why.
    public var reason: Reason
    /// Why, in words.
    public var message: String
    /// How many tasks it has run; a chunk counts once.
    public var tasksRun: UInt64

    /// A goodbye with all its parts.
    public init(reason: Reason, message: String = "", tasksRun: UInt64 = 0) {
        self.reason = reason
        self.message = message
        self.tasksRun = tasksRun
    }
}

/// There is room for the payload of a detached frame.
public struct Room: Sendable, Hashable {
    /// Where in the worker's memory it begins.
    public var address: UInt64

    /// Room at an address.
    public init(address: UInt64) {
        self.address = address
    }
}
