import Futures
import Glibc

/// Input cannot be read.
struct InputError: Error, CustomStringConvertible {
    let name: String
    let cause: any Error
    var description: String { "\(name) cannot be read: \(cause)" }
}

/// What a map reads.
enum MapInput: Sendable, Hashable {
    case standardInput
    case file(FileName)

    /// - Parameter name: "-" is standard input.
    init(_ name: FileName) { self = name == FileName("-") ? .standardInput : .file(name) }

    /// How messages call it.
    var shown: String {
        switch self {
        case .standardInput: "standard input"
        case .file(let name): name.shown
        }
    }

    /// What the system says about it; nil with an error number in `errno`.
    var status: stat? {
        switch self {
        case .standardInput:
            var status = stat()
            return fstat(STDIN_FILENO, &status) == 0 ? status : nil
        case .file(let name): return name.status
        }
    }
}

/// Files and standard input, one after the other, in blocks of whole records.
struct MapInputs: Sendable {
    let all: [MapInput]
    let format: RecordFormat
    let blockSize: Int

    /// One of them, opened if it is no regular file.
    enum Opened {
        case file(FilePieces)
        case stream(RecordStream, Closing?)
    }

    /// Closes a descriptor.
    final class Closing: Sendable {
        private let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// How long they are together; nil if that is not known.
    var totalSize: Int? {
        var total = 0
        for input in all {
            guard let status = input.status, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return nil }
            total += Int(status.st_size)
        }
        return total
    }

    /// What cannot work is told before anything runs.
    ///
    /// - Throws: ``InputError``.
    func check() throws(InputError) {
        for case .file(let name) in all {
            if name.withPath({ access($0, R_OK) }) != 0 {
                throw InputError(name: name.shown, cause: SystemReason(errno))
            }
            if let status = name.status, status.st_mode & S_IFMT == S_IFDIR {
                throw InputError(name: name.shown, cause: SystemReason(EISDIR))
            }
        }
    }

    func open(_ input: MapInput) throws -> Opened {
        guard case .file(let name) = input else { return .stream(try stream(STDIN_FILENO), nil) }
        // Files of /proc are regular, and say that they are empty; those of /sys cannot be mapped, and /dev/stdin means another
        // file in a worker.
        let isSpecial = ["/dev/", "/proc/", "/sys/"].contains { name.bytes.starts(with: $0.utf8) }
        // A worker is told the name as text.
        if !isSpecial, let path = name.text, let status = name.status, status.st_mode & S_IFMT == S_IFREG,
            status.st_size > 0
        {
            return .file(try FilePieces(of: path, by: format, size: blockSize))
        }
        let descriptor = name.withPath { Glibc.open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw SystemReason(errno) }
        let closing = Closing(descriptor)
        return .stream(try stream(descriptor), closing)
    }

    private func stream(_ descriptor: Int32) throws -> RecordStream {
        try RecordStream(reading: descriptor, by: format, size: blockSize)
    }
}

/// A reason in words: an error number's.
struct SystemReason: Error, CustomStringConvertible {
    let description: String
    init(_ number: Int32) { description = String(cString: strerror(number)) }
}
