import Glibc

/// The files below a folder that is named as an input.
enum InputFolder {
    /// All regular files and links to such, folder by folder, sorted by the bytes of their names. What begins with a dot is left out,
    /// as shells do it, and folders that are only linked to, which may lead back.
    ///
    /// - Throws: ``InputError`` for a folder that cannot be read.
    static func files(below folder: FileName) throws(InputError) -> [FileName] {
        var files: [FileName] = []
        for name in try entries(of: folder) {
            let path = FileName(bytes: folder.bytes + (folder.bytes.last == slash ? [] : [slash]) + name)
            var status = stat()
            // What is gone by now, or leads nowhere, is none.
            guard path.withPath({ lstat($0, &status) }) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                files += try Self.files(below: path)
            } else if let target = path.status, target.st_mode & S_IFMT == S_IFREG {
                files.append(path)
            }
        }
        return files
    }

    private static let slash = UInt8(ascii: "/")

    private static func entries(of folder: FileName) throws(InputError) -> [[UInt8]] {
        guard let stream = folder.withPath({ opendir($0) }) else {
            throw InputError(name: folder.shown, cause: SystemReason(errno))
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            // The end and an error differ in nothing else.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let text = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
            let name = Array(
                UnsafeRawBufferPointer(start: text, count: strlen(text.assumingMemoryBound(to: CChar.self))))
            if name.first != UInt8(ascii: ".") { names.append(name) }
        }
        guard errno == 0 else { throw InputError(name: folder.shown, cause: SystemReason(errno)) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
