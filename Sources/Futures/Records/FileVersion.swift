internal import CProto
import Glibc

/// Which file a path meant, and of which time: so that another one that is put in its place is noticed.
public struct FileVersion: Sendable, Hashable, Codable {
    /// The file's number in its file system. (The number of that may be another one each time that it is mounted.)
    public let inode: UInt64
    /// When it was made, in nanoseconds since 1970; nil where the file system does not know. A number may be given to another
    /// file as soon as its own is gone.
    public let born: Int64?
    /// When it was last written to, in nanoseconds since 1970.
    public let modified: Int64

    /// - Parameter status: what `file` was found to be.
    init(_ file: borrowing FileDescriptor, _ status: stat) {
        inode = UInt64(status.st_ino)
        let time = futures_birth_time(file.rawValue)
        born = time == 0 ? nil : time
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    }

    /// Whether it is the same file, be it that somebody has written to it since.
    func isSameFile(as other: FileVersion) -> Bool {
        guard let born, let otherBorn = other.born else { return inode == other.inode }
        return inode == other.inode && born == otherBorn
    }
}
