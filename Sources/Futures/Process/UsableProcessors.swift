internal import CProto
import Glibc

/// How many processors this process may keep busy, at least 1: the smaller of how many it may run on (its affinity, as
/// `taskset` and cpusets set it) and what the control groups around it allow it to use (`docker --cpus`, Kubernetes limits).
///
/// Looked up anew at each call, as it can change while the program runs.
package func usableProcessorCount() -> Int {
    let affinity = Int(futures_affinity_count())
    guard let membership = textOfFile("/proc/self/cgroup"), let mounts = textOfFile("/proc/self/mountinfo") else {
        return max(1, affinity)
    }
    return CPUQuota.usable(affinity: affinity, quota: CPUQuota.smallest(membership, mounts, read: textOfFile))
}

/// The limits that control groups put on processor time, from the kernel's files (cgroups(7), cgroup-v2 in the kernel's
/// documentation).
package enum CPUQuota {
    /// How many threads can compute at the same time: a quota of 2.5 processors is worth 3 threads, and less than one
    /// processor is worth one.
    package static func usable(affinity: Int, quota: Double?) -> Int {
        guard let quota, quota.isFinite, quota < Double(affinity) else { return max(1, affinity) }
        return max(1, Int(quota.rounded(.up)))
    }

    /// The smallest quota, in processors, of the process's group and those around it; nil without any.
    ///
    /// - Parameters:
    ///   - membership: the text of /proc/self/cgroup.
    ///   - mounts: the text of /proc/self/mountinfo.
    ///   - read: gives a file's text, or nil if there is no such file.
    package static func smallest(_ membership: String, _ mounts: String, read: (String) -> String?) -> Double? {
        directories(membership, mounts).compactMap { directory, isVersion2 in
            if isVersion2 { return read("\(directory)/cpu.max").flatMap(version2) }
            guard let quota = read("\(directory)/cpu.cfs_quota_us"), let period = read("\(directory)/cpu.cfs_period_us")
            else { return nil }
            return version1(quota: quota, period: period)
        }.min()
    }

    /// The quota in a `cpu.max`: "max 100000" or "250000 100000".
    package static func version2(_ text: String) -> Double? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2 else { return nil }
        return ratio(words[0], words[1])
    }

    /// The quota in `cpu.cfs_quota_us` and `cpu.cfs_period_us`; -1 means none.
    package static func version1(quota: String, period: String) -> Double? {
        func word(_ text: String) -> Substring { text.split(whereSeparator: \.isWhitespace).first ?? "" }
        return ratio(word(quota), word(period))
    }

    private static func ratio(_ quota: Substring, _ period: Substring) -> Double? {
        guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
        return Double(quota) / Double(period)
    }

    /// The directories of the process's group and of all groups around it that are visible.
    package static func directories(
        _ membership: String, _ mounts: String
    ) -> [(directory: String, isVersion2: Bool)] {
        var found: [(directory: String, isVersion2: Bool)] = []
        for line in membership.split(separator: "\n") {
            // "4:cpu,cpuacct:/group", and "0::/group" for version 2.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[0] == "0" && fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains("cpu") else { continue }
            guard let mount = mountPoint(mounts, isVersion2: isVersion2) else { continue }
            let path = relative(String(fields[2]), to: mount.root)
            for directory in withParents(path) { found.append((mount.directory + directory, isVersion2)) }
        }
        return found
    }

    /// Where the hierarchy is mounted, and which of its directories is shown there.
    private static func mountPoint(_ mounts: String, isVersion2: Bool) -> (root: String, directory: String)? {
        for line in mounts.split(separator: "\n") {
            // "31 23 0:28 /root /directory rw,relatime shared:9 - cgroup cgroup rw,cpu": optional fields before the dash.
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { continue }
            let isRight =
                isVersion2
                ? fields[dash + 1] == "cgroup2"
                : fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains("cpu")
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
private func textOfFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    let chunk = 4096
    // Bounded, since the mount table of a large host can be long, but not endless.
    while bytes.count < 1 << 22 {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: chunk))
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + start, chunk) }
        bytes.removeLast(chunk - max(0, count))
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
    }
    return String(decoding: bytes, as: UTF8.self)
}
