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
