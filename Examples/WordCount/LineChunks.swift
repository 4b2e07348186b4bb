import Glibc

/// A file in chunks of whole lines.
///
/// A chunk ends with the first line that reaches `size` bytes, so that a longer line makes a longer chunk. Only the places
/// where they begin and end are found here, by looking at the end of each: whoever counts a chunk reads it.
struct LineChunks: Sequence, Sendable {
    let file: InputFile
    let size: Int

    func makeIterator() -> Iterator { Iterator(file: file, size: size) }

    struct Iterator: IteratorProtocol {
        let file: InputFile
        let size: Int
        var offset = 0

        mutating func next() -> Chunk? {
            guard offset < file.size else { return nil }
            let end = file.size - offset > size ? endOfLine(from: offset + size - 1) : file.size
            defer { offset = end }
            return Chunk(path: file.path, offset: offset, size: end - offset)
        }

        /// Where the line ends that the byte at this place is in.
        private func endOfLine(from place: Int) -> Int {
            var place = place
            var step = 4096
            // When this cannot be read, the rest of the file is one chunk: reading that fails, too, and tells why.
            while place < file.size, let bytes = try? file.read(at: place, count: step), !bytes.isEmpty {
                if let index = bytes.firstIndex(of: UInt8(ascii: "\n")) { return place + index + 1 }
                place += bytes.count
                step = Swift.min(step * 2, 1 << 20)
            }
            return file.size
        }
    }
}

/// A part of a file, as it is named to a worker: workers are on this machine and read it themselves, which spares the
/// text the way through a pipe: a third of the processor time.
struct Chunk: Codable, Sendable {
    var path: String
    var offset: Int
    /// In bytes.
    var size: Int

    func read() throws(FileError) -> [UInt8] {
        let bytes = try InputFile(path).read(at: offset, count: size)
        guard bytes.count == size else { throw FileError(path: path, problem: "became shorter while it was read") }
        return bytes
    }
}

/// A file that can be read in any order.
final class InputFile: Sendable {
    /// Absolute and without symbolic links: /dev/stdin, say, is another file to another process.
    let path: String
    /// In bytes.
    let size: Int
    private let descriptor: Int32

    init(_ path: String) throws(FileError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path, errno) }
        var status = stat()
        let result = fstat(descriptor, &status)
        size = Int(status.st_size)
        let resolved = realpath(path, nil)
        defer { free(resolved) }
        self.path = resolved.map { String(cString: $0) } ?? path
        guard result == 0 else { throw FileError(path, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw FileError(path, EISDIR)
        default: throw FileError(path: path, problem: "not a regular file, of which workers could read parts")
        }
    }

    deinit { close(descriptor) }

    /// What is there; less than `count` bytes at the end of the file.
    func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var problem: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { space, done in
            while done < count {
                let result = pread(descriptor, space.baseAddress! + done, count - done, offset + done)
                if result < 0, errno == EINTR { continue }
                if result < 0 { problem = errno }
                guard result > 0 else { break }
                done += result
            }
        }
        guard problem == 0 else { throw FileError(path, problem) }
        return bytes
    }
}

/// A file cannot be read. Codable, so that a worker's arrives as itself.
struct FileError: Error, Codable, CustomStringConvertible {
    var path: String
    var problem: String
    var description: String { "\(path): \(problem)" }

    init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    /// - Parameter number: one of errno(3).
    init(_ path: String, _ number: Int32) {
        self.init(path: path, problem: String(cString: strerror(number)))
    }
}
