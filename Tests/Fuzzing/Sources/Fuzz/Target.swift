import CMeter
import Wire

/// Code that reads bytes of another process, and what always holds of it.
protocol Target: SendableMetatype {
    /// What it is chosen by.
    static var name: String { get }
    /// Longest input that is worth a try, in bytes.
    static var longestInput: Int { get }
    /// Inputs to begin with, made by our own encoder.
    static func seeds() throws -> [[UInt8]]
    /// Tries one input; calls `broken` when something does not hold.
    static func run(_ input: inout Input)
}

let allTargets: [any Target.Type] = [
    FramesTarget.self, MessagesTarget.self, ValuesTarget.self, BulkTarget.self, CompressedTarget.self,
    FailuresTarget.self,
    ErrorTailTarget.self,
]

/// Processor time that one input may take, in seconds.
private let mostSeconds = 5.0

func run(_ target: any Target.Type, _ input: Input) {
    let begin = meter_seconds()
    var input = input
    target.run(&input)
    let seconds = meter_seconds() - begin
    if seconds > mostSeconds { broken("one input took \(seconds) s of processor time") }
}

/// Ends the process, so that libFuzzer keeps the input.
func broken(_ what: String, file: StaticString = #fileID, line: UInt = #line) -> Never {
    fatalError("this does not hold: \(what)", file: file, line: line)
}

func require(
    _ condition: Bool, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { broken(what(), file: file, line: line) }
}

/// What `body` gives, and the most memory that it took at one time, in bytes.
func metered<R>(_ body: () -> R) -> (result: R, memory: Int) {
    meter_start()
    let result = body()
    return (result, meter_stop())
}

/// The bytes of one try: the first of them choose, the rest is what a peer sent.
struct Input {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// The next byte; 0 when there is none.
    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    /// All that has not been taken.
    var bytes: [UInt8] { Array(rest) }
}

extension WireLimits {
    /// Limits of all sizes; the first are the default.
    static let profiles: [WireLimits] = [
        .default,
        WireLimits(
            maxMessageSize: 256, maxPayloadSize: 1024, maxDecompressedSize: 4096, maxMemory: 16 << 10, maxDepth: 4,
            maxCount: 4096),
        WireLimits(
            maxMessageSize: 16, maxPayloadSize: 16, maxDecompressedSize: 64, maxMemory: 1 << 10, maxDepth: 1,
            maxCount: 2),
        WireLimits(
            maxMessageSize: 0, maxPayloadSize: 0, maxDecompressedSize: 0, maxMemory: 0, maxDepth: 0, maxCount: 0),
        .greatest,
        WireLimits(maxMemory: 1 << 20, maxDepth: 256),
        WireLimits(maxDecompressedSize: 32 << 10, maxMemory: 64 << 10),
        WireLimits(maxDepth: 8, maxCount: 8),
    ]

    /// No limits but that of depth.
    static let greatest = WireLimits(
        maxMessageSize: .max, maxPayloadSize: .max, maxDecompressedSize: .max, maxMemory: .max, maxDepth: 256,
        maxCount: .max)

    /// The profile that the low three bits of a byte choose.
    static func profile(_ choice: UInt8) -> WireLimits { profiles[Int(choice & 7)] }

    /// Bytes that unpacking `count` bytes may take. The arena doubles its blocks, and at the end makes one that is as
    /// large as all of them; values in Swift's form come on top, and are about as large as the others.
    func mostMemory(unpacking count: Int) -> Int {
        // A byte on the wire takes less than this, whatever the limits: two bytes are a value of about 150.
        let perByte = 200
        let allowed = min(Int(clamping: maxMemory), count * perByte)
        // A shared block of the arena has up to 256 KiB, if that much is allowed; a new arena has 16, and texts of
        // errors take a little.
        return 6 * allowed + 8 * count + min(256 << 10, 16 * allowed) + (64 << 10)
    }
}

/// An error for a person is a sentence; and what has passed the scan of the bytes, protobuf-c unpacks within the
/// memory that the scan has found.
func check(_ error: any Error, file: StaticString = #fileID, line: UInt = #line) {
    let text: String
    switch error {
    case let error as WireError:
        text = error.description
        require(text.hasSuffix("."), "an error is no sentence: \(text)", file: file, line: line)
    case let error as DecodingError:
        switch error {
        case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
            .valueNotFound(_, let context):
            text = context.debugDescription
            require(context.codingPath.count <= 2 * WireLimits.greatestDepth, "the path of an error has no end")
        @unknown default: return
        }
    default: return
    }
    require(!text.contains("protobuf cannot"), "the scan has let pass what protobuf-c refuses", file: file, line: line)
}
