import TestSupport
import Testing

@testable import Futures

@Suite struct UsableProcessorsTests {
    @Test("there is at least one processor, also behind a tiny quota", .proves(.T1))
    func atLeastOne() {
        #expect(usableProcessorCount() >= 1)
        #expect(CPUQuota.usable(affinity: 0, quota: nil) == 1)
        #expect(CPUQuota.usable(affinity: 8, quota: 0.1) == 1)
        #expect(CPUQuota.usable(affinity: 8, quota: 2) == 2)
        #expect(CPUQuota.usable(affinity: 8, quota: 2.5) == 3)
        #expect(CPUQuota.usable(affinity: 2, quota: 16) == 2)
        #expect(CPUQuota.usable(affinity: 2, quota: .infinity) == 2)
    }

    @Test("the quota files of both versions", .proves(.T1))
    func files() {
        #expect(CPUQuota.version2("max 100000\n") == nil)
        #expect(CPUQuota.version2("250000 100000\n") == 2.5)
        #expect(CPUQuota.version2("") == nil)
        #expect(CPUQuota.version2("0 0") == nil)
        #expect(CPUQuota.version2("-5 100000") == nil)
        #expect(CPUQuota.version1(quota: "-1\n", period: "100000\n") == nil)
        #expect(CPUQuota.version1(quota: "50000\n", period: "100000\n") == 0.5)
        #expect(CPUQuota.version1(quota: "nonsense", period: "") == nil)
    }

    @Test("version 2, on the host: the smallest quota of the group and those around it counts", .proves(.T1))
    func version2() {
        let files = [
            "/sys/fs/cgroup/user.slice/job/cpu.max": "max 100000",
            "/sys/fs/cgroup/user.slice/cpu.max": "300000 100000",
        ]
        let quota = CPUQuota.smallest(
            "0::/user.slice/job\n",
            "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n",
            read: { files[$0] })
        #expect(quota == 3)
    }

    @Test("version 1, in a container that sees its own group as the root", .proves(.T1))
    func version1() {
        let files = [
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        ]
        let membership = "12:pids:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"
        let mounts = """
            40 30 0:30 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids
            41 30 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:12 - cgroup cgroup rw,cpu,cpuacct

            """
        #expect(CPUQuota.smallest(membership, mounts, read: { files[$0] }) == 1.5)
        #expect(CPUQuota.smallest(membership, "", read: { files[$0] }) == nil)
        #expect(CPUQuota.smallest("", mounts, read: { files[$0] }) == nil)
    }

    @Test("groups that cannot be seen, and texts that mean nothing, are no limit", .proves(.T1))
    func strange() {
        let mounts = "41 30 0:31 /other /cg ro - cgroup2 cgroup2 rw"
        #expect(
            ControlGroups.directories(of: "cpu", "0::/../../job", mounts) == [.init(path: "/cg", isVersion2: true)])
        #expect(ControlGroups.directories(of: "cpu", "::::\n0:\n\n", mounts).isEmpty)
        #expect(ControlGroups.directories(of: "cpu", "0::/job", "garbage\n- - -\n").isEmpty)
    }
}
