import Glibc
import Wire

/// What a worker has to say, up to the pipe. Belongs to the role of writing.
///
/// Everything that waits here is in the journal, too, so that no finished answer is lost with the worker.
struct WorkerOutput: ~Copyable {
    var journal: JournalWriter?
    private let descriptor: Int32
    private var buffer = FrameBuffer(capacity: 64 * 1024)
    /// How many bytes were ever appended.
    private var end: UInt64 = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func setLimits(_ limits: WireLimits) {
        buffer.maxMessageSize = limits.maxMessageSize
        buffer.maxPayloadSize = limits.maxPayloadSize
    }

    /// - Returns: how many bytes wait to be written then.
    @discardableResult
    mutating func append(_ answer: Answer) throws(WorkerSession.End) -> Int {
        let before = buffer.count
        do throws(WireError) {
            try answer.append(to: &buffer)
        } catch {
            throw .failed("an answer cannot be written: \(error)")
        }
        let size = buffer.count - before
        end += UInt64(size)
        guard let journal else { return buffer.count }
        if buffer.count <= JournalLayout.ringSize {
            buffer.withLastBytes(size) { journal.append($0, end: end) }
        } else {
            // The ring must have no gap. Large answers are written at once in any case.
            try flush()
        }
        return buffer.count
    }

    mutating func flush() throws(WorkerSession.End) {
        while !buffer.isEmpty {
            let written = buffer.withFirstBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw WorkerSession.End(errno, of: "writing") }
            buffer.removeFirst(written)
        }
    }
}
