import Glibc
import Synchronization

/// Knows how many processes the kernel has killed so far because memory ran out, among those that a worker may be one
/// of: an increase while a worker ended by SIGKILL says why it did.
///
/// It reads the counter of the control group that this process is in, as a worker is: the kernel counts a victim in the
/// victim's own group, also when it was a group further up, or the machine, that had no more. It counts before it sends
/// the signal, so whoever knows of the end finds it counted. Where there is no such counter (version 2 has none in the
/// root; the controller or the mount may be missing) it is the machine's, which counts the victims of all.
struct OutOfMemoryWitness: Sendable {
    /// The file with the counter; nil if there is none, as with kernels before 4.13.
    let file: String?
    private let read: @Sendable (String) -> String?

    /// That of this process.
    static let current = OutOfMemoryWitness()

    /// Finds the counter, which takes longer than to read it.
    init() {
        self.init(
            membership: textOfFile("/proc/self/cgroup") ?? "", mounts: textOfFile("/proc/self/mountinfo") ?? "",
            read: textOfFile)
    }

    /// - Parameters:
    ///   - membership: the text of /proc/self/cgroup.
    ///   - mounts: the text of /proc/self/mountinfo.
    ///   - read: gives a file's text, or nil if there is no such file.
    init(membership: String, mounts: String, read: @escaping @Sendable (String) -> String?) {
        // A system may have both versions, and the memory controller is in one of them: the one where the file is.
        let groups = ControlGroups.directories(of: "memory", membership, mounts)
        var files: [String] = []
        for isVersion2 in [true, false] {
            // The first is the process's own.
            guard let group = groups.first(where: { $0.isVersion2 == isVersion2 }) else { continue }
            files.append("\(group.path)/\(isVersion2 ? "memory.events" : "memory.oom_control")")
        }
        files.append("/proc/vmstat")
        file = files.first { read($0).flatMap(Self.count(in:)) != nil }
        self.read = read
    }

    /// How many so far; nil where it cannot be known. Takes some ten microseconds.
    func kills() -> UInt64? { file.flatMap(read).flatMap(Self.count(in:)) }

    /// What the counter was when the last one was found to be killed, and more where several were: each kill ends one process, of
    /// whichever pool. A worker that is killed later by somebody else is not charged with it.
    final class Accounts: Sendable {
        private let accounted = Atomic<UInt64>(0)

        /// Whether a process that was killed may have been one of those that the kernel has killed; then no other is.
        ///
        /// - Parameters:
        ///   - before: the counter when the process was certainly alive.
        ///   - after: the counter since its end.
        func take(before: UInt64?, after: UInt64?) -> Bool {
            guard let before, let after else { return false }
            var known = accounted.load(ordering: .relaxed)
            while after > max(before, known) {
                let (isTaken, now) = accounted.weakCompareExchange(
                    expected: known, desired: max(before, known) + 1, ordering: .relaxed)
                if isTaken { return true }
                known = now
            }
            return false
        }
    }

    /// Those of this process's workers.
    static let accounts = Accounts()

    /// The counter in any of the files: a line "oom_kill 3".
    static func count(in text: String) -> UInt64? {
        // Not line by line: the machine's counters are more than a hundred, and this is asked at each start of a worker.
        "\n\(text)".withCString { text in
            guard let found = strstr(text, "\noom_kill ") else { return nil }
            var digit = UnsafePointer(found) + 10
            var number: UInt64?
            while (48...57).contains(digit.pointee) {
                let (shifted, isTooMuch) = (number ?? 0).multipliedReportingOverflow(by: 10)
                let (sum, isTooMuchNow) = shifted.addingReportingOverflow(UInt64(digit.pointee - 48))
                if isTooMuch || isTooMuchNow { return nil }
                number = sum
                digit += 1
            }
            return digit.pointee == 0 || digit.pointee == 10 ? number : nil
        }
    }
}
