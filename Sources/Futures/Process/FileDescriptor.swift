internal import CProto
import Glibc

/// An open descriptor and the duty to close it, exactly once.
package struct FileDescriptor: ~Copyable, Sendable {
    package let rawValue: Int32

    /// Takes over a descriptor that is open.
    package init(owning rawValue: Int32) {
        precondition(rawValue >= 0)
        self.rawValue = rawValue
    }

    deinit { Glibc.close(rawValue) }

    /// Both ends of a pipe.
    package struct Pipe: ~Copyable {
        package let read: FileDescriptor
        package let write: FileDescriptor
    }

    /// A pipe, close-on-exec.
    package static func pipe() throws(SystemError) -> Pipe {
        var read: Int32 = -1
        var write: Int32 = -1
        try SystemError.check(futures_pipe(&read, &write), "pipe2")
        return Pipe(read: FileDescriptor(owning: read), write: FileDescriptor(owning: write))
    }

    package static func event() throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try SystemError.check(futures_eventfd(), "eventfd"))
    }

    package static func epoll() throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try SystemError.check(futures_epoll_create(), "epoll_create1"))
    }

    /// A file in memory of a size that cannot change.
    package static func memory(name: String, size: Int) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try SystemError.check(futures_memory_file(name, Int64(size)), "memfd_create"))
    }

    /// A file that is there, for reading.
    static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        // Without waiting for whoever would write into a pipe.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        return FileDescriptor(
            owning: try SystemError.check(futures_open(path, flags, 0), "open", context: "opening \(path)"))
    }

    /// The size of a regular file.
    func size(_ path: String) throws(SystemError) -> Int { Int(try status(path).st_size) }

    /// What the system knows of a regular file.
    func status(_ path: String) throws(SystemError) -> stat {
        var status = stat()
        guard fstat(rawValue, &status) == 0 else {
            throw SystemError(call: "fstat", number: errno, context: "reading \(path)")
        }
        // A pipe or a terminal has no places; a folder's are of no use.
        guard status.st_mode & S_IFMT == S_IFREG else {
            let number = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : ESPIPE
            throw SystemError(call: "open", number: number, context: "reading \(path) in pieces")
        }
        // Files of /proc have bytes, and say that they have none.
        var byte: UInt8 = 0
        if status.st_size == 0, pread(rawValue, &byte, 1, 0) > 0 {
            throw SystemError(call: "fstat", number: ESPIPE, context: "reading \(path) in pieces")
        }
        return status
    }

    package func setNonBlocking() throws(SystemError) {
        try SystemError.check(futures_set_nonblocking(rawValue), "fcntl")
    }

    package enum ReadResult: Equatable {
        case bytes(Int)
        /// Nothing there now.
        case wouldBlock
        case endOfFile
        case failed(errno: Int32)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        while true {
            let count = Glibc.read(rawValue, buffer.baseAddress, buffer.count)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfFile }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(errno: errno)
            }
        }
    }

    /// Fills the buffer from a place in a file; false if not all of it is there.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Bool {
        var done = 0
        while done < buffer.count {
            let count = pread(rawValue, buffer.baseAddress! + done, buffer.count - done, offset + done)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw SystemError(call: "pread", number: errno) }
            if count == 0 { return false }
            done += count
        }
        return true
    }

    /// Writes what fits now; nil if the other end is gone.
    package func write(_ buffer: UnsafeRawBufferPointer) -> Int? {
        while true {
            let count = Glibc.write(rawValue, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            default: return nil
            }
        }
    }
}
