internal import CProto
import Glibc

/// A file of records that is only ever appended to: whatever a kill leaves of the last one is cut off when it is opened again.
///
/// After eight bytes that say what it is there are records: the length of the body, its CRC-32, the CRC-32 of these two, each 32 bits
/// and little-endian, and the body. Not thread-safe; one program at a time.
struct JournalFile: ~Copyable {
    private static let magic = Array("FUTJNL01".utf8)
    private static let headSize = 12

    let path: String
    private let file: FileDescriptor
    /// Up to here there are whole records.
    private(set) var end: Int
    /// Half of an entry is behind it, and stays there, since this went wrong.
    private var brokenBy: Int32?

    /// Where a body is in the file.
    struct Place: Sendable, Hashable {
        let offset: Int
        let length: Int
        let checksum: UInt32
    }

    /// Opens a file, or makes it, for this program alone; waits up to a second while another one has it.
    ///
    /// - Throws: ``MapJournalError``, ``SystemError``.
    init(_ path: String) throws {
        self.path = path
        let number = try SystemError.check(
            futures_open(path, O_RDWR | O_CREAT | O_APPEND, 0o666), "open", context: "opening the journal \(path)")
        let reason = Self.lock(number)
        guard reason == 0 else {
            close(number)
            if reason == EWOULDBLOCK { throw MapJournalError.inUse(path: path) }
            throw SystemError(call: "flock", number: reason, context: "locking the journal \(path)")
        }
        file = FileDescriptor(owning: number)
        end = 0
    }

    /// - Returns: 0, or one of errno(3).
    private static func lock(_ descriptor: Int32) -> Int32 {
        // A program that was killed while it started a process: until that one has come to its own code it has the lock, too.
        for _ in 0..<100 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return 0 }
            if errno != EWOULDBLOCK && errno != EINTR { return errno }
            usleep(10_000)
        }
        return EWOULDBLOCK
    }

    /// Finds the records, and makes the file end with the last whole one. Reads all of it.
    ///
    /// A record whose bytes are not what was written is passed over. What cannot be told from damage, since its length is wrong, is
    /// an error, and not cut off; but zeros at the end are what a power failure leaves.
    ///
    /// - Parameter found: called with each body and its place.
    mutating func readIndex(_ found: ([UInt8], Place) throws -> Void) throws {
        let size = try file.size(path)
        let start = try bytes(at: 0, count: min(size, Self.magic.count))
        guard Self.magic.starts(with: start) else { throw MapJournalError.notAJournal(path: path) }
        if size < Self.magic.count {
            // New, or killed at its very beginning.
            try cut()
            return try write(Self.magic)
        }
        end = Self.magic.count
        while size - end >= Self.headSize {
            let head = try bytes(at: end, count: Self.headSize)
            guard Self.checksum(Array(head[..<8])) == Self.number(head[8..<12]) else {
                guard try isZero(from: end, to: size) else { throw MapJournalError.damaged(path: path, offset: end) }
                break
            }
            let place = Place(
                offset: end + Self.headSize, length: Int(Self.number(head[0..<4])), checksum: Self.number(head[4..<8]))
            // Killed while it was written.
            guard place.length <= size - place.offset else { break }
            if let body = try body(at: place) {
                try found(body, place)
            } else if place.offset + place.length == size {
                break
            }
            end = place.offset + place.length
        }
        if end < size { try cut() }
    }

    /// Makes it as one that is new.
    mutating func clear() throws(MapJournalError) {
        end = Self.magic.count
        try cut()
    }

    private func isZero(from start: Int, to end: Int) throws -> Bool {
        var offset = start
        while offset < end {
            let bytes = try bytes(at: offset, count: min(end - offset, 1 << 16))
            if bytes.isEmpty || bytes.contains(where: { $0 != 0 }) { return false }
            offset += bytes.count
        }
        return true
    }

    /// A body, if its bytes are what was written.
    func body(at place: Place) throws -> [UInt8]? {
        let bytes = try bytes(at: place.offset, count: place.length)
        return Self.checksum(bytes) == place.checksum && bytes.count == place.length ? bytes : nil
    }

    /// - Throws: ``MapJournalError/cannotWrite(path:errno:)``; the file is as it was then.
    mutating func append(_ body: [UInt8]) throws(MapJournalError) -> Place {
        precondition(body.count <= UInt32.max, "a record of \(body.count) bytes")
        let checksum = Self.checksum(body)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headSize + body.count)
        withUnsafeBytes(of: UInt32(body.count).littleEndian) { bytes += $0 }
        withUnsafeBytes(of: checksum.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: Self.checksum(bytes).littleEndian) { bytes += $0 }
        bytes += body
        let place = Place(offset: end + Self.headSize, length: body.count, checksum: checksum)
        try write(bytes)
        return place
    }

    private mutating func write(_ bytes: [UInt8]) throws(MapJournalError) {
        if let brokenBy { throw .cannotWrite(path: path, errno: brokenBy) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                futures_write_file(file.rawValue, $0.baseAddress! + done, $0.count - done)
            }
            if count > 0 {
                done += count
            } else {
                let number = Int32(-count)
                // Behind the half of an entry nothing would be found again.
                if ftruncate(file.rawValue, end) < 0 { brokenBy = number }
                throw .cannotWrite(path: path, errno: number)
            }
        }
        end += bytes.count
    }

    private func cut() throws(MapJournalError) {
        if ftruncate(file.rawValue, end) < 0 { throw .cannotWrite(path: path, errno: errno) }
    }

    /// Fewer than `count` if the file ends.
    private func bytes(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes {
                pread(file.rawValue, $0.baseAddress! + done, count - done, offset + done)
            }
            if read < 0, errno == EINTR { continue }
            if read < 0 { throw SystemError(call: "pread", number: errno, context: "reading the journal \(path)") }
            if read == 0 { break }
            done += read
        }
        return Array(bytes[..<done])
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0) }
    }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { futures_crc32(0, bytes.baseAddress, bytes.count) }
}
