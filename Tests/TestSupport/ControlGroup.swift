import Glibc

/// A control group of a test's own with a limit on processor time (cgroups(7)), gone with it.
///
/// It is made where this process's own group is, or further up: where the system lets it.
public final class ControlGroup {
    /// Why there is no group, in a sentence.
    public struct Obstacle: Error, CustomStringConvertible {
        /// What was tried, and what the system said.
        public let description: String
    }

    /// Why a test cannot have a group on this machine; nil where it can.
    public static let obstacle: String? = {
        do {
            let group = try ControlGroup(processors: 1)
            let member = try ChildProgram("/bin/sh", group.entering("/bin/true"), capturesOutput: true)
            let output = member.readToEnd()
            return member.exitCode == 0 ? nil : "no process can be put into \(group.path): \(output)"
        } catch {
            return "\(error)"
        }
    }()

    private let path: String

    /// Makes a group.
    ///
    /// - Parameters:
    ///   - processors: how much processor time its processes may use; nil for no limit.
    ///   - outer: a group that it is to be in.
    public init(processors: Double?, inside outer: ControlGroup? = nil) throws {
        var failures: [String] = []
        for parent in outer.map({ [$0.path] }) ?? ControlGroup.parents() {
            ControlGroup.lastNumber += 1
            let path = "\(parent)/futures-test-\(getpid())-\(ControlGroup.lastNumber)"
            guard mkdir(path, 0o755) == 0 else {
                failures.append("mkdir \(path): \(String(cString: strerror(errno)))")
                continue
            }
            if let failure = ControlGroup.limit(path, processors) {
                failures.append(failure)
                rmdir(path)
                continue
            }
            self.path = path
            return
        }
        if failures.isEmpty { failures = ["no hierarchy with the cpu controller is mounted below /sys/fs/cgroup"] }
        throw Obstacle(description: "no control group can be made: \(failures.joined(separator: "; "))")
    }

    deinit {
        // A process that has just ended may count as a member a moment longer.
        for _ in 0..<1_000 where rmdir(path) != 0 && errno == EBUSY { usleep(1_000) }
    }

    /// Arguments for `/bin/sh` that put it into the group and then run a program in its place.
    public func entering(_ program: String, _ arguments: [String] = []) -> [String] {
        ["-c", "echo $$ >\"$0\" && exec \"$@\"", "\(path)/cgroup.procs", program] + arguments
    }

    /// Tests that make groups run one at a time.
    nonisolated(unsafe) private static var lastNumber = 0

    /// Where groups might be made: this process's group of the hierarchies that may have the cpu controller, and the groups
    /// around it.
    private static func parents() -> [String] {
        var parents: [String] = []
        // "1:cpu,cpuacct:/group" for version 1, "0::/group" for version 2.
        for line in text(of: "/proc/self/cgroup").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains("cpu") else { continue }
            let mounts = isVersion2 ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] : ["/sys/fs/cgroup/\(fields[1])"]
            for mount in mounts where access("\(mount)/cgroup.procs", F_OK) == 0 {
                var names = fields[2].split(separator: "/")
                while !names.isEmpty {
                    parents.append("\(mount)/\(names.joined(separator: "/"))")
                    names.removeLast()
                }
                parents.append(mount)
            }
        }
        return parents
    }

    /// Limits a group of either version; tells why that does not work.
    private static func limit(_ path: String, _ processors: Double?) -> String? {
        let period = 100_000
        let quota = processors.map { Int($0 * Double(period)) }
        let isVersion1 = access("\(path)/cpu.cfs_quota_us", F_OK) == 0
        guard isVersion1 || access("\(path)/cpu.max", F_OK) == 0 else {
            return "the cpu controller is not enabled for \(path)"
        }
        let file = isVersion1 ? "\(path)/cpu.cfs_quota_us" : "\(path)/cpu.max"
        let text = isVersion1 ? "\(quota ?? -1)" : "\(quota.map(String.init) ?? "max") \(period)"
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "open \(file): \(String(cString: strerror(errno)))" }
        defer { close(descriptor) }
        guard write(descriptor, text, text.utf8.count) == text.utf8.count else {
            return "writing \(text) to \(file): \(String(cString: strerror(errno)))"
        }
        return nil
    }

    private static func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
