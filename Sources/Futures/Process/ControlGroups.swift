import Glibc

/// Where this process's control groups show their files (cgroups(7), cgroup-v2 in the kernel's documentation).
package enum ControlGroups {
    /// A directory of a group.
    package struct Directory: Equatable {
        package let path: String
        package let isVersion2: Bool
    }

    /// The directories of the process's group and of all groups around it that are visible, the innermost first for
    /// each version.
    ///
    /// - Parameters:
    ///   - controller: the controller's name, such as "cpu" or "memory"; version 2 has one hierarchy for all.
    ///   - membership: the text of /proc/self/cgroup.
    ///   - mounts: the text of /proc/self/mountinfo.
    package static func directories(of controller: String, _ membership: String, _ mounts: String) -> [Directory] {
        var found: [Directory] = []
        for line in membership.split(separator: "\n") {
            // "4:cpu,cpuacct:/group", and "0::/group" for version 2.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[0] == "0" && fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains(Substring(controller)) else { continue }
            guard let mount = mountPoint(mounts, isVersion2 ? nil : controller) else { continue }
            let path = relative(String(fields[2]), to: mount.root)
            found += withParents(path).map { Directory(path: mount.directory + $0, isVersion2: isVersion2) }
        }
        return found
    }

    /// Where the hierarchy is mounted, and which of its directories is shown there; version 2's without a controller.
    private static func mountPoint(_ mounts: String, _ controller: String?) -> (root: String, directory: String)? {
        for line in mounts.split(separator: "\n") {
            // "31 23 0:28 /root /directory rw,relatime shared:9 - cgroup cgroup rw,cpu": optional fields before the
            // dash.
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { continue }
            let isRight =
                controller.map {
                    fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains(Substring($0))
                } ?? (fields[dash + 1] == "cgroup2")
            if isRight { return (String(fields[3]), String(fields[4])) }
        }
        return nil
    }

    /// Inside a container the mount's root is the container's own group: what is below it is what can be seen.
    private static func relative(_ path: String, to root: String) -> String {
        if root == "/" { return path }
        if path == root { return "/" }
        if path.hasPrefix(root + "/") { return String(path.dropFirst(root.count)) }
        return "/"
    }

    /// "/a/b" gives "/a/b", "/a" and "".
    private static func withParents(_ path: String) -> [String] {
        var names = path.split(separator: "/").map(String.init)
        guard !names.contains("..") else { return [""] }
        var paths: [String] = []
        while !names.isEmpty {
            paths.append("/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return paths + [""]
    }
}

/// A small text file of the kernel's, read whole; nil if it cannot be read.
func textOfFile(_ path: String) -> String? {
    guard let file = try? FileDescriptor.open(path) else { return nil }
    var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 1)
    defer { memory.deallocate() }
    var size = 0
    // Bounded, since the mount table of a large host can be long, but not endless.
    while size < 1 << 22 {
        if size == memory.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * size, alignment: 1)
            larger.copyMemory(from: UnsafeRawBufferPointer(memory))
            memory.deallocate()
            memory = larger
        }
        guard case .bytes(let count) = file.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[size...])) else {
            break
        }
        size += count
    }
    return String(decoding: UnsafeRawBufferPointer(rebasing: memory[..<size]), as: UTF8.self)
}
