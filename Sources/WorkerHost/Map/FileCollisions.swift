import Glibc

/// Files of one run that must not be the same: what is written to would destroy what is read.
struct FileCollisions {
    private struct File {
        let what: String
        /// Nil where only a descriptor is known.
        let path: FileName?
        /// Of a regular file that is there.
        let identity: (device: UInt64, inode: UInt64)?

        init(_ what: String, path: FileName) {
            (self.what, self.path) = (what, path)
            identity = path.status.flatMap { Self.identity($0) }
        }

        init(_ what: String, descriptor: Int32) {
            (self.what, path) = (what, nil)
            var status = stat()
            identity = fstat(descriptor, &status) == 0 ? Self.identity(status) : nil
        }

        private static func identity(_ status: stat) -> (UInt64, UInt64)? {
            status.st_mode & S_IFMT == S_IFREG ? (UInt64(status.st_dev), UInt64(status.st_ino)) : nil
        }

        func isSame(as other: File) -> Bool {
            if let identity, let theirs = other.identity { return identity == theirs }
            guard identity == nil, other.identity == nil, let path, path == other.path else { return false }
            return path.withPath { access($0, F_OK) } != 0
        }
    }

    /// What is wrong; nil if all files are different.
    ///
    /// - Parameters:
    ///   - outputs: what each is, and its path; nil for standard output.
    static func problem(inputs: [MapInput], outputs: [(what: String, path: FileName?)]) -> String? {
        let read = inputs.map { input in
            switch input {
            case .standardInput: File(input.shown, descriptor: STDIN_FILENO)
            case .file(let name): File("the input \(name.shown)", path: name)
            }
        }
        let written = outputs.map { output in
            output.path.map { File("\(output.what) \($0.shown)", path: $0) }
                ?? File(output.what, descriptor: STDOUT_FILENO)
        }
        for (index, output) in written.enumerated() {
            for other in read + written[..<index] where output.isSame(as: other) {
                return "\(other.what) and \(output.what) are the same file"
            }
        }
        return nil
    }
}
