import Futures
import Glibc

/// Where this build's executables are: beside the test bundle.
public enum BuildProducts {
    /// The executable that serves the tests' callables.
    public static var testWorker: WorkerCommand { WorkerCommand(executable: path(of: "test-worker")) }

    /// The path of an executable of this build.
    public static func path(of name: String) -> String { "\(folder)/\(name)" }

    /// The folder of the image that this code is in; the program itself may be the toolchain's test helper.
    private static let folder: String = {
        var maps = ""
        guard let file = fopen("/proc/self/maps", "r") else { fatalError("no /proc") }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 8192)
        while fgets(&line, Int32(line.count), file) != nil {
            maps = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard maps.contains(".xctest"), let start = maps.firstIndex(of: "/") else { continue }
            let path = maps[start...]
            return String(path[..<path.lastIndex(of: "/")!])
        }
        fatalError("the test bundle is not mapped")
    }()
}
