import Glibc

/// A control group of a test's own with a limit on processor time or memory (cgroups(7)), gone with it.
///
/// It is made where this process's own group is, or further up: where the system lets it.
public final class ControlGroup {
    /// Why there is no group, in a sentence.
    public struct Obstacle: Error, CustomStringConvertible {
        /// What was tried, and what the system said.
        public let description: String
    }

    /// Why a test cannot have a group on this machine; nil where it can.
    public static let obstacle: String? = whatPrevents { try ControlGroup(processors: 1) }

    /// Why a test cannot have a group with little memory on this machine; nil where it can.
    public static let memoryObstacle: String? = whatPrevents { try ControlGroup(memory: 64 << 20) }

    private static func whatPrevents(_ make: () throws -> ControlGroup) -> String? {
        do {
            let group = try make()
            let member = try ChildProgram("/bin/sh", group.entering("/bin/true"), capturesOutput: true)
            let output = member.readToEnd()
            return member.exitCode == 0 ? nil : "no process can be put into \(group.path): \(output)"
        } catch {
            return "\(error)"
        }
    }

    private let path: String
    /// What a process in it finds in its /proc/self/cgroup, of this group.
    public let membership: String

    /// Makes a group.
    ///
    /// - Parameters:
    ///   - processors: how much processor time its processes may use; nil for no limit.
    ///   - outer: a group that it is to be in.
    public convenience init(processors: Double?, inside outer: ControlGroup? = nil) throws {
        try self.init("cpu", inside: outer) { ControlGroup.limit($0, processors) }
    }

    /// Makes a group.
    ///
    /// - Parameter memory: how many bytes its processes may have, swap included.
    public convenience init(memory: Int) throws {
        try self.init("memory") { ControlGroup.limit($0, memory: memory) }
    }

    private init(_ controller: String, inside outer: ControlGroup? = nil, _ limit: (String) -> String?) throws {
        var failures: [String] = []
        let parents = outer.map { [(membership: $0.membership, path: $0.path)] } ?? ControlGroup.parents(controller)
        for (membership, parent) in parents {
            ControlGroup.lastNumber += 1
            let name = "futures-test-\(getpid())-\(ControlGroup.lastNumber)"
            let path = "\(parent)/\(name)"
            guard mkdir(path, 0o755) == 0 else {
                failures.append("mkdir \(path): \(String(cString: strerror(errno)))")
                continue
            }
            if let failure = limit(path) {
                failures.append(failure)
                rmdir(path)
                continue
            }
            self.path = path
            self.membership = membership.hasSuffix("/") ? membership + name : "\(membership)/\(name)"
            return
        }
        if failures.isEmpty {
            failures = ["no hierarchy with the \(controller) controller is mounted below /sys/fs/cgroup"]
        }
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

    /// Where groups might be made: this process's group of the hierarchies that may have the controller, and the groups
    /// around it; with what a member finds in its /proc/self/cgroup.
    private static func parents(_ controller: String) -> [(membership: String, path: String)] {
        var parents: [(membership: String, path: String)] = []
        // "1:cpu,cpuacct:/group" for version 1, "0::/group" for version 2.
        for line in text(of: "/proc/self/cgroup").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains(Substring(controller)) else { continue }
            let mounts = isVersion2 ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] : ["/sys/fs/cgroup/\(fields[1])"]
            for mount in mounts where access("\(mount)/cgroup.procs", F_OK) == 0 {
                var names = fields[2].split(separator: "/")
                let hierarchy = "\(fields[0]):\(fields[1]):"
                while !names.isEmpty {
                    let group = "/\(names.joined(separator: "/"))"
                    parents.append((hierarchy + group, mount + group))
                    names.removeLast()
                }
                parents.append(("\(hierarchy)/", mount))
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
        return write(isVersion1 ? "\(quota ?? -1)" : "\(quota.map(String.init) ?? "max") \(period)", to: file)
    }

    private static func limit(_ path: String, memory: Int) -> String? {
        let isVersion1 = access("\(path)/memory.limit_in_bytes", F_OK) == 0
        guard isVersion1 || access("\(path)/memory.max", F_OK) == 0 else {
            return "the memory controller is not enabled for \(path)"
        }
        if let failure = write("\(memory)", to: isVersion1 ? "\(path)/memory.limit_in_bytes" : "\(path)/memory.max") {
            return failure
        }
        // Where swap is not counted there are no such files, and maybe no swap.
        _ = write(
            "\(isVersion1 ? memory : 0)",
            to: isVersion1 ? "\(path)/memory.memsw.limit_in_bytes" : "\(path)/memory.swap.max")
        return nil
    }

    /// Tells why that does not work.
    private static func write(_ text: String, to file: String) -> String? {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "open \(file): \(String(cString: strerror(errno)))" }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
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
