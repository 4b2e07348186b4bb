internal import CProto
import Glibc

/// A stream, cut into chunks of whole records as it is read: standard input, a pipe, a socket.
///
/// ```swift
/// let chunks = try RecordStream(reading: STDIN_FILENO)
/// for try await count in try pool.map(countLines, chunks, bufferSize: .bytes(64 << 20)) { ... }
/// ```
///
/// A chunk ends with the first record that ends `size` bytes behind its beginning, or later; only the last may be smaller. An
/// iteration reads in a thread of its own, and some 64 KiB further than what it was asked for: there can be one only. What is
/// compressed is inflated in that thread, piece by piece.
public struct RecordStream: AsyncSequence, Sendable {
    /// A chunk with its bytes.
    public typealias Element = RecordChunk

    /// The descriptor that is read; it is not closed.
    public let descriptor: Int32
    /// What the records are.
    public let format: RecordFormat
    /// What a chunk has at least, in bytes.
    public let size: Int
    /// How many bytes behind `size` a record may end.
    public let recordSizeLimit: Int
    /// What the stream is compressed with.
    public let compression: Compression

    /// What a stream is compressed with.
    public enum Compression: Sendable, Hashable {
        case none
        /// By gzip: one member or several, zeros behind them.
        case gzip
        /// By gzip, if it begins with the two bytes 1F 8B as what gzip makes; otherwise it is taken as it is.
        case automatic

        /// How what gzip makes begins (RFC 1952).
        package static let gzipMagic: [UInt8] = [0x1F, 0x8B]
    }

    /// The chunks of a stream.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading; nobody else should read it meanwhile, nor afterwards: more is read than is given out.
    ///   - size: in bytes, at least 1.
    ///   - recordSizeLimit: in bytes, at least 1: a record that makes a chunk so much larger than `size` is an error.
    ///   - compression: sizes are those of what comes out.
    /// - Throws: ``InvalidArgumentError`` for sizes that cannot be.
    public init(
        reading descriptor: Int32, by format: RecordFormat = .lines, size: Int = 1 << 20,
        recordSizeLimit: Int = 1 << 30,
        compression: Compression = .none
    ) throws {
        try InvalidArgumentError.check("size", size)
        try InvalidArgumentError.check("recordSizeLimit", recordSizeLimit)
        try InvalidArgumentError.check("descriptor", Int(descriptor), atLeast: 0)
        self.descriptor = descriptor
        self.format = format
        self.size = size
        self.recordSizeLimit = recordSizeLimit
        self.compression = compression
    }

    /// Goes on where the descriptor is.
    public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    /// Gives the chunks in order.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let stream: RecordStream
        private var reader: StreamReader?

        fileprivate init(stream: RecordStream) { self.stream = stream }

        /// The next chunk, or nil at the end.
        ///
        /// - Throws: ``SystemError`` if the stream cannot be read; ``RecordSizeError`` for a record that is too long;
        ///   ``GzipStreamError`` for one that is not what gzip makes; `CancellationError` if the task is cancelled.
        nonisolated(nonsending) public mutating func next() async throws -> RecordChunk? {
            let reader = try reader ?? StreamReader(stream)
            self.reader = reader
            return try await reader.next()
        }
    }
}

/// A record is longer than a ``RecordStream`` or ``FilePieces`` take: perhaps the input has records of another kind.
public struct RecordSizeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where its chunk begins in the input, in bytes.
    public let offset: Int
    /// Up to where it should have ended, in bytes behind that.
    public let limit: Int

    /// Where, and which limit.
    public var description: String {
        "a record does not end within \(limit) bytes behind byte \(offset): has the input records of this kind?"
    }
}

/// An iterator's hold on the thread that reads for it.
private final class StreamReader: Sendable {
    private let cutter: StreamCutter
    private let thread = DriverThread(name: "futures-reader")

    init(_ stream: RecordStream) throws(SystemError) { cutter = try StreamCutter(stream) }

    deinit {
        cutter.stop()
        thread.join()
    }

    nonisolated(nonsending) func next() async throws -> RecordChunk? {
        let chunk = Future<RecordChunk?>()
        try thread.start { [cutter] in cutter.serve() }
        cutter.cut(for: chunk)
        return try await chunk.value
    }
}

/// Reads a stream up to the ends of records.
///
/// `@unchecked Sendable`: what may change beside `requests` is its thread's.
private final class StreamCutter: @unchecked Sendable {
    private struct Requests {
        var next: Future<RecordChunk?>?
        var isStopped = false
    }

    private let stream: RecordStream
    private let requests = Mutex(Requests())
    private let signal = Signal()
    /// Ends a read that waits.
    private let stopped: FileDescriptor
    private var scanner: RecordScanner
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    /// What was read and not handed out, and how much of it was scanned.
    private var bytes: [UInt8] = []
    private var scanned = 0
    /// Where in the stream it begins.
    private var offset = 0
    private var hasEnded = false
    /// How long a chunk may become.
    private let limit: Int
    private var compression: RecordStream.Compression
    /// What was read and not inflated, where the stream is compressed, or that is not known.
    private var compressed: [UInt8] = []
    private var gzip: GzipReader?
    /// Whether there may be more to come of what was inflated already.
    private var mayHaveMore = false

    init(_ stream: RecordStream) throws(SystemError) {
        self.stream = stream
        stopped = try FileDescriptor.event()
        scanner = RecordScanner(stream.format)
        let (limit, isTooLarge) = stream.size.addingReportingOverflow(stream.recordSizeLimit)
        self.limit = isTooLarge ? .max : limit
        compression = stream.compression
    }

    // MARK: Any thread

    /// One at a time.
    func cut(for chunk: Future<RecordChunk?>) {
        requests.withLock { $0.next = chunk }
        signal.raise()
    }

    func stop() {
        requests.withLock { $0.isStopped = true }
        futures_eventfd_signal(stopped.rawValue)
        signal.raise()
    }

    // MARK: Its thread

    func serve() {
        while let chunk = nextRequest() {
            do {
                let next = try next()
                if next == nil, !hasEnded { chunk.fail(CancellationError()) } else { chunk.fulfil(next) }
            } catch {
                // What was read before it may be the beginning of a record.
                bytes = []
                hasEnded = true
                chunk.fail(error)
            }
        }
    }

    private func nextRequest() -> Future<RecordChunk?>? {
        while true {
            let seen = signal.count
            let (chunk, isStopped) = requests.withLock { requests in
                defer { requests.next = nil }
                return (requests.next, requests.isStopped)
            }
            if isStopped { return nil }
            if let chunk { return chunk }
            signal.sleep(since: seen, until: .never)
        }
    }

    /// Nil at the end, and when it is stopped.
    private func next() throws -> RecordChunk? {
        while !hasEnded {
            if scanned < bytes.count {
                let end = bytes.withUnsafeBytes {
                    scanner.firstEnd(
                        in: UnsafeRawBufferPointer(rebasing: $0[scanned...]), from: max(1, stream.size - scanned))
                }
                if let end { return take(scanned + end) }
                scanned = bytes.count
            }
            guard bytes.count < limit else { throw RecordSizeError(offset: offset, limit: limit) }
            guard try read() else { return nil }
        }
        return bytes.isEmpty ? nil : take(bytes.count)
    }

    private func take(_ count: Int) -> RecordChunk {
        var taken = bytes
        if count == bytes.count {
            bytes = []
        } else {
            taken = Array(bytes[..<count])
            bytes.removeFirst(count)
        }
        scanned = 0
        offset += count
        return RecordChunk(taken, format: stream.format)
    }

    /// Adds some bytes, or finds the end; false when it is stopped.
    private func read() throws -> Bool {
        // What is behind the end of the chunk is moved.
        let most = min(buffer.count, max(1 << 16, stream.size - bytes.count), limit - bytes.count)
        switch compression {
        case .none:
            guard let count = try readBuffer(most) else { return false }
            bytes += buffer[..<count]
            hasEnded = count == 0
        case .gzip: return try inflate(most)
        case .automatic:
            // As soon as it can be told: the next byte may be long in coming.
            while compressed.isEmpty || compressed == [RecordStream.Compression.gzipMagic[0]] {
                guard let count = try readBuffer(most) else { return false }
                compressed += buffer[..<count]
                if count == 0 { break }
            }
            compression = compressed.starts(with: RecordStream.Compression.gzipMagic) ? .gzip : .none
            guard compression == .none else { break }
            hasEnded = compressed.isEmpty
            swap(&bytes, &compressed)
        }
        return true
    }

    /// Adds up to so many bytes of what comes out of the stream.
    private func inflate(_ most: Int) throws -> Bool {
        let gzip = try gzip ?? GzipReader()
        self.gzip = gzip
        if compressed.isEmpty, !mayHaveMore {
            guard let count = try readBuffer(1 << 16) else { return false }
            compressed = Array(buffer[..<count])
            hasEnded = count == 0
            if hasEnded, !gzip.isComplete { throw GzipStreamError.truncated }
        }
        let (used, made) = try compressed.withUnsafeBytes { compressed in
            try buffer.withUnsafeMutableBytes { buffer in
                try gzip.read(compressed, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<most]))
            }
        }
        compressed.removeFirst(used)
        mayHaveMore = made == most
        bytes += buffer[..<made]
        return true
    }

    /// Reads up to so many bytes into the buffer: how many, 0 at the end, nil when it is stopped.
    private func readBuffer(_ most: Int) throws -> Int? {
        while true {
            let ready = futures_poll_pair(stream.descriptor, stopped.rawValue, -1)
            if ready & 2 != 0 { return nil }
            // A signal; a read would wait where nobody could end it.
            if ready & 1 == 0 { continue }
            let count = Glibc.read(stream.descriptor, &buffer, most)
            if count >= 0 { return count }
            guard errno == EINTR || errno == EAGAIN else {
                throw SystemError(call: "read", number: errno, context: "reading records")
            }
        }
    }
}
