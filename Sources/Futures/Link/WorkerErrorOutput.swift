import Glibc

/// What a worker writes to its standard error: passed on to ours, with its end kept for the report of a crash.
///
/// Belongs to the driver's thread.
final class WorkerErrorOutput {
    /// Bytes that are kept for the report: a Swift crash writes about 5 KiB after its "Fatal error" line.
    static let tailSize = 16 * 1024
    /// While so much waits to be passed on, no more is read: the worker waits, as it would if it wrote there itself.
    private static let relayLimit = 64 * 1024
    private static let pieceSize = 4096
    /// At most so many pieces at a time: a worker that writes without end must not keep the thread from the others.
    private static let pieceLimit = 16
    /// So many have what a pipe of the largest size holds (1 MiB, unless the system was told otherwise).
    private static let finishLimit = 256

    let descriptor: FileDescriptor
    private(set) var hasEnded = false
    private var tailBytes: [UInt8] = []
    /// What waits to be passed on.
    let relay = ErrorRelay()

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The last lines, for people.
    var tail: String { ErrorTail.text(of: tailBytes, isCut: tailBytes.count >= Self.tailSize) }

    /// Reads what is there, up to what a pipe usually holds. Returns false at the end.
    func read() -> Bool {
        for _ in 0..<Self.pieceLimit where !hasEnded && relay.count < Self.relayLimit {
            guard readPiece() else { return true }
        }
        return !hasEnded
    }

    /// The worker is gone: reads what it left, all that a pipe may hold, whatever waits to be passed on. Others may have the pipe, too;
    /// they are not listened to any more.
    func finish() {
        for _ in 0..<Self.finishLimit where !hasEnded {
            guard readPiece() else { break }
        }
        hasEnded = true
    }

    /// - Returns: false if nothing is there now.
    private func readPiece() -> Bool {
        let result = withUnsafeTemporaryAllocation(byteCount: Self.pieceSize, alignment: 1) { buffer in
            let result = descriptor.read(into: buffer)
            if case .bytes(let count) = result { append(UnsafeRawBufferPointer(buffer)[..<count]) }
            return result
        }
        switch result {
        case .bytes: relay.passOn()
        case .wouldBlock: return false
        case .endOfFile, .failed: hasEnded = true
        }
        return true
    }

    private func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        relay.append(bytes)
        tailBytes.append(contentsOf: bytes)
        if tailBytes.count > 2 * Self.tailSize { tailBytes.removeFirst(tailBytes.count - Self.tailSize) }
    }
}

/// Bytes on their way to our standard error.
///
/// Belongs to the driver's thread.
final class ErrorRelay {
    private var bytes: [UInt8] = []

    var count: Int { bytes.count }
    /// Bytes wait because our own standard error takes none now.
    var isHeldUp: Bool { !bytes.isEmpty }

    func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Writes what our standard error takes, and does not wait for whoever reads that; a terminal, or a pipe that others write to as
    /// well, may still hold it up for a moment.
    ///
    /// - Parameter wait: how long to wait until it takes something, in milliseconds.
    func passOn(waiting wait: Int32 = 0) {
        while !bytes.isEmpty {
            var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            guard poll(&ready, 1, wait) == 1 else { return }
            // A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)).
            let piece = min(bytes.count, Int(PIPE_BUF))
            let written = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, piece) }
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EAGAIN { return }
            // Nobody can have it: a closed standard error is not the pool's business.
            bytes.removeFirst(written > 0 ? written : bytes.count)
        }
    }
}
