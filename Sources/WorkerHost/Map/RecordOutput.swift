import Glibc

/// Output cannot be written.
struct OutputError: Error, CustomStringConvertible {
    let name: String
    let number: Int32
    var description: String { "\(name) cannot be written: \(String(cString: strerror(number)))" }
}

/// Writes whole results. One thread's.
final class RecordOutput {
    private static let limit = 1 << 16

    private let descriptor: Int32
    private let closes: Bool
    private let name: String
    private var buffer: [UInt8] = []

    /// - Parameter descriptor: open for writing.
    init(_ descriptor: Int32, name: String, closes: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        self.closes = closes
    }

    /// A file, made or emptied.
    convenience init(path: String) throws(OutputError) {
        var number: Int32
        repeat {
            number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        } while number < 0 && errno == EINTR
        guard number >= 0 else { throw OutputError(name: path, number: errno) }
        self.init(number, name: path, closes: true)
    }

    deinit { if closes { Glibc.close(descriptor) } }

    func write(_ text: String) throws(OutputError) { try write { $0 += Array(text.utf8) } }

    /// Keeps or writes what `append` appends.
    func write(_ append: (inout [UInt8]) -> Void) throws(OutputError) {
        append(&buffer)
        if buffer.count >= Self.limit { try flush() }
    }

    /// Writes what was kept.
    func flush() throws(OutputError) {
        var done = 0
        while done < buffer.count {
            let count = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
            }
            if count > 0 {
                done += count
            } else if errno == EAGAIN {
                // Somebody made it so, whose terminal it is, too.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                let number = errno
                buffer = []
                throw OutputError(name: name, number: number)
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Some file systems tell only now that a disk is full.
    func finish() throws(OutputError) {
        try flush()
        if closes, fsync(descriptor) < 0, ![EINVAL, EROFS, EINTR].contains(errno) {
            throw OutputError(name: name, number: errno)
        }
    }
}
