import Foundation

/// One file that is to be copied to one place.
struct FileCopy: Sendable, CustomStringConvertible {
    let source: URL
    let target: URL

    /// - Parameter place: a file's path, or a folder's, which stands for a file in it with the source's name.
    init(from source: String, to place: URL) {
        self.source = URL(fileURLWithPath: source)
        let isFolder = place.hasDirectoryPath || (try? FileStatus(of: place))?.kind == S_IFDIR
        target = isFolder ? place.appendingPathComponent(self.source.lastPathComponent) : place
    }

    var description: String { "\(source.relativePath) to \(target.relativePath)" }

    /// Copies the bytes, and for a new file the permissions.
    func run() throws {
        let original = try FileStatus(of: source)
        guard original.kind == S_IFREG else { throw CopyError(description: "the source is not a regular file") }
        let existing = try? FileStatus(of: target)
        if let existing {
            guard existing.id != original.id else { throw CopyError(description: "they are the same file") }
            guard existing.kind == S_IFREG else { throw CopyError(description: "the target is not a regular file") }
        }
        let input = try FileHandle(forReadingFrom: source)
        // Makes the file, or empties the one that is there.
        try Data().write(to: target)
        let output = try FileHandle(forWritingTo: target)
        if existing == nil {
            // Now, before there is anything in it that not everybody may read.
            try FileManager.default.setAttributes(
                [.posixPermissions: original.permissions], ofItemAtPath: target.path)
        }
        while let part = try input.read(upToCount: 1 << 20), !part.isEmpty { try output.write(contentsOf: part) }
        // Here, since some file systems tell only now that the disk is full.
        try output.close()
    }
}

/// Which file it is, whatever it is called, and of what kind. Symbolic links are followed.
private struct FileStatus {
    struct ID: Equatable {
        var device: dev_t
        var number: ino_t
    }

    var id: ID
    var kind: mode_t
    var permissions: Int

    init(of file: URL) throws {
        var status = stat()
        guard stat(file.path, &status) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno)!) }
        id = ID(device: status.st_dev, number: status.st_ino)
        kind = status.st_mode & S_IFMT
        permissions = Int(status.st_mode & 0o777)
    }
}

extension URL {
    /// The file's one path without symbolic links, also of a file that is yet to be made.
    var realPath: String {
        let folder = deletingLastPathComponent().resolvingSymlinksInPath()
        return folder.appendingPathComponent(lastPathComponent).resolvingSymlinksInPath().path
    }
}

/// A file is not what it should be.
struct CopyError: Error, CustomStringConvertible {
    var description: String
}

/// Why a file could not be copied, in words.
func reason(_ error: any Error) -> String {
    if let error = error as? CopyError { return error.description }
    // Foundation's words are vague; the system's own are underneath.
    let system = ((error as? CocoaError)?.underlying ?? error) as NSError
    guard system.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return String(cString: strerror(Int32(system.code)))
}
