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
        ControlGroups.directories(of: "cpu", membership, mounts).compactMap { group in
            if group.isVersion2 { return read("\(group.path)/cpu.max").flatMap(version2) }
            guard let quota = read("\(group.path)/cpu.cfs_quota_us"),
                let period = read("\(group.path)/cpu.cfs_period_us")
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
}
