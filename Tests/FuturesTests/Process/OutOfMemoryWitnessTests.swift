import Testing

@testable import Futures

@Suite struct OutOfMemoryWitnessTests {
    private static let version1 = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    private static let version2 = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

    private func witness(_ membership: String, _ mounts: String, _ files: [String: String]) -> OutOfMemoryWitness {
        OutOfMemoryWitness(membership: membership, mounts: mounts, read: { files[$0] })
    }

    private let machine = ["/proc/vmstat": "nr_free_pages 1\noom_kill 9\noom_kill_x 3\n"]

    @Test("the counter of the process's own group is read, in either version")
    func ownGroup() {
        let files1 = ["/sys/fs/cgroup/memory/a/b/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"]
        let first = witness("4:memory:/a/b\n0::/\n", Self.version1 + Self.version2, files1.merging(machine) { $1 })
        #expect(first.file == "/sys/fs/cgroup/memory/a/b/memory.oom_control")
        #expect(first.kills() == 2)
        let files2 = [
            "/sys/fs/cgroup/unified/job/memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 0\n"
        ]
        let second = witness("0::/job\n", Self.version2, files2.merging(machine) { $1 })
        #expect(second.file == "/sys/fs/cgroup/unified/job/memory.events")
        #expect(second.kills() == 3)
    }

    @Test("a machine with both versions has the controller in one of them")
    func hybrid() {
        let files = ["/sys/fs/cgroup/memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"]
        #expect(
            witness("4:memory:/a\n0::/user\n", Self.version1 + Self.version2, files.merging(machine) { $1 }).kills()
                == 5)
    }

    @Test("without a group's counter, the machine's; without any, none")
    func fallsBack() {
        #expect(witness("0::/\n", Self.version2, machine).file == "/proc/vmstat")
        #expect(witness("0::/\n", Self.version2, machine).kills() == 9)
        // Before Linux 4.13 the file had no such line.
        let old = ["/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"]
        #expect(witness("4:memory:/\n", Self.version1, old.merging(machine) { $1 }).kills() == 9)
        #expect(witness("", "", [:]).kills() == nil)
        #expect(witness("", "", ["/proc/vmstat": "oom_kill many\n"]).kills() == nil)
    }

    @Test("here there is a counter, and it does not move by itself")
    func here() throws {
        let witness = OutOfMemoryWitness()
        let kills = try #require(witness.kills())
        #expect(OutOfMemoryWitness().kills() == kills)
    }
}
