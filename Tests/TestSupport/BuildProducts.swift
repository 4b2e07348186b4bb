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
        for map in ProcFiles.lines(of: "/proc/self/maps") where map.contains(".xctest") {
            guard let start = map.firstIndex(of: "/") else { continue }
            return String(map[start..<map.lastIndex(of: "/")!])
        }
        fatalError("the test bundle is not mapped")
    }()
}
