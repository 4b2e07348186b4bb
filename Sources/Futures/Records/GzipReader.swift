internal import CProto

/// What a ``RecordStream`` reads is not what gzip makes, or not all of it.
public enum GzipStreamError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Before this byte, or at it, something is wrong: the file is damaged, or is none of gzip's.
    case corrupt(offset: Int)
    /// It ends in the middle.
    case truncated
    /// From this byte on there is something else behind what gzip made.
    case trailing(offset: Int)
    /// There is no memory to read it; it takes some 40 KB.
    case outOfMemory

    /// What is wrong, and where, counted in compressed bytes.
    public var description: String {
        switch self {
        case .corrupt(let offset): "its gzip data is damaged, at or before byte \(offset)"
        case .truncated: "its gzip data ends in the middle"
        case .trailing(let offset): "behind its gzip data there is something else, from byte \(offset) on"
        case .outOfMemory: "there is no memory to decompress it"
        }
    }
}

/// Inflates what a stream has, member by member, no further than there is room for. One thread's.
final class GzipReader {
    private let gunzip: OpaquePointer
    /// How many compressed bytes were used.
    private var offset = 0

    init() throws(GzipStreamError) {
        guard let gunzip = futures_gunzip_new() else { throw .outOfMemory }
        self.gunzip = gunzip
    }

    deinit { futures_gunzip_free(gunzip) }

    /// Whether the stream may end here.
    var isComplete: Bool { futures_gunzip_is_complete(gunzip) }

    /// Goes on with the bytes that follow.
    ///
    /// - Returns: how many of them were used, and how much room. If that was all, there may be more without further bytes.
    func read(
        _ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
    ) throws(GzipStreamError) -> (used: Int, made: Int) {
        var (used, made) = (0, 0)
        let status = futures_gunzip(
            gunzip, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &used,
            room.bindMemory(to: UInt8.self).baseAddress, room.count, &made)
        offset += used
        switch status {
        case FUTURES_GUNZIP_OK: return (used, made)
        case FUTURES_GUNZIP_TRAILING: throw .trailing(offset: offset)
        case FUTURES_GUNZIP_NO_MEMORY: throw .outOfMemory
        default: throw .corrupt(offset: offset)
        }
    }
}
