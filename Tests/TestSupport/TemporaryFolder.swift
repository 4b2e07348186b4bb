import Glibc

/// A folder of a test's own, gone with it.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let path: String

    /// A new, empty folder.
    public init() {
        var template = Array("/tmp/futures-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp: \(String(cString: strerror(errno)))") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { Self.removeFolder(Array(path.utf8CString)) }

    /// With all that is in it. As bytes: names need not be UTF-8, and what a link leads to stays.
    private static func removeFolder(_ path: [CChar]) {
        if let folder = opendir(path) {
            defer { closedir(folder) }
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    $0.prefix { $0 != 0 }.map(CChar.init(bitPattern:))
                }
                let dot = CChar(bitPattern: UInt8(ascii: "."))
                if name == [dot] || name == [dot, dot] { continue }
                let inside = path.dropLast() + [CChar(bitPattern: UInt8(ascii: "/"))] + name + [0]
                if entry.pointee.d_type == DT_DIR { removeFolder(Array(inside)) } else { unlink(Array(inside)) }
            }
        }
        rmdir(path)
    }

    /// The path of a file in it, there or not.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Waits until a process has made the file; a minute at most.
    public func waitFor(_ name: String) throws {
        for _ in 0..<60_000 {
            if access(file(name), F_OK) == 0 { return }
            usleep(1_000)
        }
        throw Missing(name: name)
    }

    /// Waits until a process has written its number into a file; the file is there before the number is.
    public func waitForProcess(_ name: String) throws -> Int32 {
        try waitFor(name)
        var process: Int32?
        try spin {
            process = (try? lines(of: name).first).flatMap { Int32($0) }
            return process != nil
        }
        return process!
    }

    struct Missing: Error { var name: String }

    /// Removes a file, if it is there.
    public func remove(_ name: String) { unlink(file(name)) }

    /// The lines of a file.
    public func lines(of name: String) throws -> [String] {
        guard let stream = fopen(file(name), "r") else { throw Missing(name: name) }
        defer { fclose(stream) }
        var text: [UInt8] = []
        while case let byte = fgetc(stream), byte >= 0 { text.append(UInt8(byte)) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Makes a file, with an executable's permissions if wanted.
    @discardableResult
    public func write(_ text: String, to name: String, isExecutable: Bool = false) -> String {
        write(Array(text.utf8)[...], to: name, isExecutable: isExecutable)
    }

    /// Makes a file of bytes that are no text.
    @discardableResult
    public func write(_ bytes: ArraySlice<UInt8>, to name: String, isExecutable: Bool = false) -> String {
        let file = file(name)
        let descriptor = open(file, O_CREAT | O_WRONLY | O_TRUNC, isExecutable ? 0o700 : 0o600)
        precondition(descriptor >= 0, "open \(file): \(String(cString: strerror(errno)))")
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        return file
    }
}
