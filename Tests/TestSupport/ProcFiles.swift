import Glibc

/// What proc(5) says of processes and threads. What is gone says nothing.
public enum ProcFiles {
    /// The bytes of a file whose size nobody knows before it is read; nil if it cannot be read.
    public static func bytes(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return ferror(file) == 0 ? bytes : nil
    }

    /// The text of such a file.
    public static func text(of path: String) -> String? { bytes(of: path).map { String(decoding: $0, as: UTF8.self) } }

    /// The lines of a file.
    public static func lines(of path: String) -> [Substring] { (text(of: path) ?? "").split(separator: "\n") }

    /// The names in a folder, whichever.
    public static func entries(of path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The children of a process, zombies too. A program with several threads has children in each of them.
    public static func children(of pid: Int32) -> [Int32] {
        threads(of: pid).flatMap { thread in
            (lines(of: "/proc/\(pid)/task/\(thread)/children").first ?? "").split(separator: " ").compactMap {
                Int32($0)
            }
        }
    }

    /// The letter for the state of a process's main thread (R, S, T, Z, ...); nil if there is no such process.
    public static func state(of pid: Int32) -> Character? {
        guard let text = text(of: "/proc/\(pid)/stat") else { return nil }
        return text.lastIndex(of: ")").flatMap { text[$0...].dropFirst(2).first }
    }

    /// The threads of a process.
    public static func threads(of pid: Int32) -> [String] { entries(of: "/proc/\(pid)/task") }

    /// The memory that this process has resident, in bytes.
    public static func residentMemory() -> Int {
        let words = (text(of: "/proc/self/statm") ?? "").split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { fatalError("/proc/self/statm is \(words)") }
        return pages * Int(getpagesize())
    }

    /// How long the main thread of a process has computed; nil if there is no such process.
    public static func processorTime(of pid: Int32) -> Duration? {
        guard let first = text(of: "/proc/\(pid)/task/\(pid)/schedstat")?.split(separator: " ").first else {
            return nil
        }
        return Int64(first).map { .nanoseconds($0) }
    }

    /// How often a thread has slept, and how often it had to let another one have the processor.
    public static func switches(ofThread id: String, of pid: Int32) -> (own: Int, forced: Int) {
        func number(_ name: String) -> Int {
            let line = lines(of: "/proc/\(pid)/task/\(id)/status").first { $0.hasPrefix(name) }
            return line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0
        }
        return (number("voluntary_ctxt_switches"), number("nonvoluntary_ctxt_switches"))
    }

    /// The name of a thread of this process, as Linux cuts it.
    public static func threadName(_ id: String) -> String {
        String(lines(of: "/proc/self/task/\(id)/comm").first ?? "")
    }

    /// The calling thread's number.
    public static var threadID: Int32 {
        (text(of: "/proc/thread-self/stat") ?? "").split(separator: " ").first.flatMap { Int32($0) } ?? 0
    }

    /// The calling thread's name.
    public static var threadName: String { String(lines(of: "/proc/thread-self/comm").first ?? "") }
}
