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

    let descriptor: FileDescriptor
    private(set) var hasEnded = false
    private var tailBytes: [UInt8] = []
    private var relay: [UInt8] = []

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The last lines, for people.
    var tail: String { ErrorTail.text(of: tailBytes, isCut: tailBytes.count >= Self.tailSize) }

    /// Bytes wait because our own standard error takes none now.
    var isHeldUp: Bool { !relay.isEmpty }

    /// Reads what is there, up to what a pipe usually holds. Returns false at the end.
    func read() -> Bool {
        for _ in 0..<Self.pieceLimit where !hasEnded && relay.count < Self.relayLimit {
            let result = withUnsafeTemporaryAllocation(byteCount: Self.pieceSize, alignment: 1) { buffer in
                let result = descriptor.read(into: buffer)
                if case .bytes(let count) = result { append(UnsafeRawBufferPointer(buffer)[..<count]) }
                return result
            }
            switch result {
            case .bytes: passOn()
            case .wouldBlock: return true
            case .endOfFile, .failed: hasEnded = true
            }
        }
        return !hasEnded
    }

    private func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        relay.append(contentsOf: bytes)
        tailBytes.append(contentsOf: bytes)
        if tailBytes.count > 2 * Self.tailSize { tailBytes.removeFirst(tailBytes.count - Self.tailSize) }
    }

    /// Writes to our standard error without ever waiting for whoever reads that.
    func passOn() {
        while !relay.isEmpty {
            var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            guard poll(&ready, 1, 0) == 1 else { return }
            // A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)).
            let piece = min(relay.count, Int(PIPE_BUF))
            let written = relay.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, piece) }
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EAGAIN { return }
            // Nobody can have it: a closed standard error is not the pool's business.
            relay.removeFirst(written > 0 ? written : relay.count)
        }
    }
}
