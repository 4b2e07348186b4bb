import Glibc

/// Files of one run that must not be the same: what is written to would destroy what is read.
struct FileCollisions {
    private struct File {
        let what: String
        let path: String
        /// Of a regular file that is there.
        let identity: (device: UInt64, inode: UInt64)?

        init(_ what: String, path: String) {
            (self.what, self.path) = (what, path)
            var status = stat()
            identity = stat(path, &status) == 0 ? Self.identity(status) : nil
        }

        init(_ what: String, descriptor: Int32) {
            (self.what, path) = (what, "")
            var status = stat()
            identity = fstat(descriptor, &status) == 0 ? Self.identity(status) : nil
        }

        private static func identity(_ status: stat) -> (UInt64, UInt64)? {
            status.st_mode & S_IFMT == S_IFREG ? (UInt64(status.st_dev), UInt64(status.st_ino)) : nil
        }

        func isSame(as other: File) -> Bool {
            if let identity, let theirs = other.identity { return identity == theirs }
            return identity == nil && other.identity == nil && !path.isEmpty && path == other.path
                && access(path, F_OK) != 0
        }
    }

    /// What is wrong; nil if all files are different.
    ///
    /// - Parameters:
    ///   - inputs: paths, or "-".
    ///   - outputs: what each is, and its path; nil for standard output.
    static func problem(inputs: [String], outputs: [(what: String, path: String?)]) -> String? {
        let read = inputs.map { name in
            name == "-" ? File("standard input", descriptor: STDIN_FILENO) : File("the input \(name)", path: name)
        }
        let written = outputs.map { output in
            output.path.map { File("\(output.what) \($0)", path: $0) } ?? File(output.what, descriptor: STDOUT_FILENO)
        }
        for (index, output) in written.enumerated() {
            for other in read + written[..<index] where output.isSame(as: other) {
                return "\(other.what) and \(output.what) are the same file"
            }
        }
        return nil
    }
}
