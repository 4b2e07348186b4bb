import Glibc

/// Output cannot be written.
struct OutputError: Error, CustomStringConvertible {
    let name: String
    let number: Int32
    var description: String { "\(name) cannot be written: \(String(cString: strerror(number)))" }
}

/// Writes whole results. One thread's.
///
/// When it cannot go on, a file ends with a whole result all the same: what is there of the next one is cut off, if it is certain
/// that nobody else has written behind it.
final class RecordOutput {
    private static let limit = 1 << 16

    private let descriptor: Int32
    private let closes: Bool
    private let name: String
    private var buffer: [UInt8] = []
    /// Where in the buffer results end.
    private var ends: [Int] = []

    /// - Parameter descriptor: open for writing.
    init(_ descriptor: Int32, name: String, closes: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        self.closes = closes
    }

    /// A file, made or emptied.
    convenience init(path: FileName) throws(OutputError) {
        self.init(try path.create(), name: path.shown, closes: true)
    }

    deinit { if closes { Glibc.close(descriptor) } }

    func write(_ text: String) throws(OutputError) { try write { $0 += Array(text.utf8) } }

    /// Keeps or writes what `append` appends, which is a result.
    func write(_ append: (inout [UInt8]) -> Void) throws(OutputError) {
        let before = buffer.count
        append(&buffer)
        // There may be millions without anything.
        if buffer.count > before { ends.append(buffer.count) }
        if buffer.count >= Self.limit { try flush() }
    }

    /// Writes what was kept.
    func flush() throws(OutputError) {
        var done = 0
        // Behind what was written of it; nil where there is no such thing.
        var position: off_t?
        while done < buffer.count {
            let count = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
            }
            if count > 0 {
                done += count
                if done < buffer.count { position = self.position }
            } else if errno == EAGAIN {
                // Somebody made it so, whose terminal it is, too.
                waitUntilWritable(descriptor)
            } else if errno != EINTR {
                let number = errno
                if let position { cut(at: position, after: done) }
                (buffer, ends) = ([], [])
                throw OutputError(name: name, number: number)
            }
        }
        buffer.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Nil if it is no regular file.
    private var position: off_t? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let position = lseek(descriptor, 0, SEEK_CUR)
        return position < 0 ? nil : position
    }

    /// Cuts off the beginning of a result behind the last whole one.
    ///
    /// - Parameters:
    ///   - end: where the file should end, if nobody else has written to it.
    ///   - done: how much of the buffer was written.
    private func cut(at end: off_t, after done: Int) {
        var status = stat()
        guard position == end, fstat(descriptor, &status) == 0, status.st_size == end else { return }
        let whole = end - off_t(done - (ends.last { $0 <= done } ?? 0))
        // What is appended later by others who have the descriptor comes there, too.
        if whole < end, ftruncate(descriptor, whole) == 0 { lseek(descriptor, whole, SEEK_SET) }
    }

    /// Writes what was kept; then it is in the file, as far as the system can tell.
    func finish() throws(OutputError) {
        try flush()
        if closes { try synchronize(descriptor, name) }
    }
}

extension FileName {
    /// Makes the file, or empties it; gives a descriptor for writing, to be closed.
    func create() throws(OutputError) -> Int32 {
        while true {
            let number = withPath { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666) }
            if number >= 0 { return number }
            if errno != EINTR { throw OutputError(name: shown, number: errno) }
        }
    }
}

/// Some file systems tell only now that a disk is full.
func synchronize(_ descriptor: Int32, _ name: String) throws(OutputError) {
    // Pipes and the like have nothing of that kind.
    if fsync(descriptor) < 0, ![EINVAL, EROFS, EINTR].contains(errno) { throw OutputError(name: name, number: errno) }
}

/// Waits as long as it takes; for a descriptor that does not block.
func waitUntilWritable(_ descriptor: Int32) {
    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = poll(&ready, 1, -1)
}
