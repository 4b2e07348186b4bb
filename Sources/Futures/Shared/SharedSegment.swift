internal import CProto
import Glibc
import Wire

/// The encoded bytes of a shared value, in memory that other processes can map and nobody can change.
///
/// The file is closed with the last reference: held by handles, and by calls that have one among their arguments.
final class SharedSegment: Sendable {
    /// Where another process finds the bytes.
    struct Place: Hashable, Sendable {
        /// Random; also what the file begins with.
        var id: SharedID
        var process: Int32
        var descriptor: Int32
        /// The file's device and number there.
        var device: UInt64
        var file: UInt64
        /// Of the whole file.
        var size: Int
        var encoding: PayloadFormat.Encoding
    }

    let place: Place
    /// What is shared within it.
    let contents: [SharedSegment]
    private let file: FileDescriptor

    /// - Throws: ``SystemError`` without memory or descriptors.
    init(_ payload: Payload, contents: [SharedSegment] = []) throws(SystemError) {
        self.contents = contents
        let id = SharedID.random()
        let number = withUnsafeBytes(of: id) { head in
            payload.bytes.withUnsafeBytes { bytes in
                futures_sealed_file("futures-shared", head.baseAddress, head.count, bytes.baseAddress, bytes.count)
            }
        }
        file = FileDescriptor(owning: try SystemError.check(number, "memfd_create", context: "sharing a value"))
        var status = stat()
        try SystemError.check(fstat(file.rawValue, &status) == 0 ? 0 : -errno, "fstat", context: "sharing a value")
        place = Place(
            id: id, process: getpid(), descriptor: file.rawValue, device: UInt64(status.st_dev),
            file: UInt64(status.st_ino), size: MemoryLayout<SharedID>.size + payload.bytes.count,
            encoding: payload.format.encoding)
    }

    /// Whether other processes of this user can find it.
    var isReachable: Bool { futures_is_dumpable() && place.isThere }
}

/// Tells a shared value from all others.
struct SharedID: Hashable, Sendable {
    var high: UInt64
    var low: UInt64

    static func random() -> SharedID { SharedID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)) }
}

extension SharedSegment.Place {
    private var path: String { "/proc/\(process)/fd/\(descriptor)" }

    /// Whether the file is still where it was.
    var isThere: Bool {
        var status = stat()
        return stat(path, &status) == 0 && isSame(status)
    }

    private func isSame(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFREG && UInt64(status.st_dev) == device && UInt64(status.st_ino) == file
            && Int(status.st_size) == size
    }

    /// Opens the file, if it is that one and cannot change.
    ///
    /// - Throws: ``SharedValueError``; ``SystemError``.
    func open() throws -> FileDescriptor {
        // Looked at first: opening what is no file may have effects.
        guard isThere else { throw SharedValueError.gone }
        let file = try FileDescriptor.open(path)
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, isSame(status), futures_is_sealed(file.rawValue) else {
            throw SharedValueError.gone
        }
        return file
    }
}

/// A segment's bytes, mapped into this process.
///
/// `@unchecked Sendable`: nobody changes them.
final class SharedMapping: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let size: Int
    let encoding: PayloadFormat.Encoding

    /// - Throws: ``SharedValueError``; ``SystemError``.
    init(_ place: SharedSegment.Place) throws {
        let headSize = MemoryLayout<SharedID>.size
        guard place.size >= headSize else { throw SharedValueError.malformed }
        let file = try place.open()
        let base = mmap(nil, place.size, PROT_READ, MAP_SHARED, file.rawValue, 0)
        guard let base, base != MAP_FAILED else {
            throw SystemError(call: "mmap", number: errno, context: "reading a shared value")
        }
        self.base = base
        size = place.size
        encoding = place.encoding
        guard base.loadUnaligned(as: SharedID.self) == place.id else { throw SharedValueError.gone }
    }

    deinit { munmap(base, size) }

    /// The encoded value.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(start: base, count: size)[MemoryLayout<SharedID>.size...])
    }
}

/// A handle of a shared value came to a process that cannot get at the value.
enum SharedValueError: Error, CustomStringConvertible {
    case gone, malformed

    var description: String {
        switch self {
        case .gone: "the shared value is gone: nobody in the process that shared it holds its handle any more"
        case .malformed: "what came as the handle of a shared value is none"
        }
    }
}
