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
    /// How many bytes behind the size of a block a record may end, where it is sent.
    static let recordSizeLimit = 1 << 30

    let all: [MapInput]
    let format: RecordFormat
    let blockSize: Int
    /// What those may be compressed with that are read here.
    let compression: RecordStream.Compression

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
            guard let status = input.status, status.st_mode & S_IFMT == S_IFREG,
                // Those of /proc only say that they are empty.
                status.st_size > 0 || regularFile(input) != nil,
                compression(of: input) == RecordStream.Compression.none
            else { return nil }
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
        }
    }

    /// The inputs that names stand for: those of folders the files below them.
    ///
    /// - Throws: ``InputError`` for a folder that cannot be read.
    static func all(_ names: [FileName]) throws(InputError) -> [MapInput] {
        var inputs: [MapInput] = []
        for name in names {
            let input = MapInput(name)
            if case .file(let folder) = input, let status = folder.status, status.st_mode & S_IFMT == S_IFDIR {
                inputs += try InputFolder.files(below: folder).map { .file($0) }
            } else {
                inputs.append(input)
            }
        }
        return inputs
    }

    /// What an input that can be read more than once is compressed with; nil if it cannot.
    private func compression(of input: MapInput) -> RecordStream.Compression? {
        guard compression == .automatic else { return compression }
        var magic: [UInt8] = [0, 0]
        var count = -1
        switch input {
        case .standardInput: count = pread(STDIN_FILENO, &magic, 2, lseek(STDIN_FILENO, 0, SEEK_CUR))
        case .file(let name):
            let descriptor = name.withPath { Glibc.open($0, O_RDONLY | O_CLOEXEC) }
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            count = pread(descriptor, &magic, 2, 0)
        }
        return count < 0 ? nil : magic == RecordStream.Compression.gzipMagic ? .gzip : RecordStream.Compression.none
    }

    /// The path and the size of what a worker can read by itself.
    private func regularFile(_ input: MapInput) -> (path: String, size: Int)? {
        guard case .file(let name) = input else { return nil }
        // Files of /proc are regular, and say that they are empty; those of /sys cannot be mapped, and /dev/stdin means another
        // file in a worker.
        let isSpecial = ["/dev/", "/proc/", "/sys/"].contains { name.bytes.starts(with: $0.utf8) }
        // A worker is told the name as text.
        guard !isSpecial, let path = name.text, let status = name.status, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return (path, Int(status.st_size))
    }

    /// The one record of an input that turned out to have no bytes.
    func emptyRecord(of input: MapInput) -> RecordChunk {
        guard let file = regularFile(input), file.size == 0 else { return RecordChunk([], format: format) }
        return RecordChunk(FilePiece(path: file.path, offset: 0, length: 0, format: format))
    }

    /// - Parameter limitsRecords: whether records of files are limited, too; those of streams are.
    func open(_ input: MapInput, limitsRecords: Bool) throws -> Opened {
        guard case .file(let name) = input else { return .stream(try stream(STDIN_FILENO), nil) }
        if let file = regularFile(input), file.size > 0, compression(of: input) == RecordStream.Compression.none {
            return .file(
                try FilePieces(
                    of: file.path, by: format, size: blockSize,
                    recordSizeLimit: limitsRecords ? Self.recordSizeLimit : nil))
        }
        let descriptor = name.withPath { Glibc.open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw SystemReason(errno) }
        let closing = Closing(descriptor)
        return .stream(try stream(descriptor), closing)
    }

    private func stream(_ descriptor: Int32) throws -> RecordStream {
        try RecordStream(
            reading: descriptor, by: format, size: blockSize, recordSizeLimit: Self.recordSizeLimit,
            compression: compression)
    }
}

/// A reason in words: an error number's.
struct SystemReason: Error, CustomStringConvertible {
    let description: String
    init(_ number: Int32) { description = String(cString: strerror(number)) }
}
