import Glibc
import TestSupport
import Testing

/// What this machine has for the tests below.
private enum Machine {
    /// The numbers of the processors that this process may run on (proc(5), "0-3,8").
    static let processors: [Int] = {
        let line = ProcFiles.lines(of: "/proc/self/status").first { $0.hasPrefix("Cpus_allowed_list:") } ?? ""
        return line.dropFirst("Cpus_allowed_list:".count).split(separator: ",").flatMap { range in
            let ends = range.split(separator: "-").compactMap { Int($0.drop { !$0.isNumber }) }
            return ends.isEmpty ? [] : Array(ends[0]...ends[ends.count - 1])
        }
    }()

    /// Where util-linux's program is.
    static let taskset = ["/usr/bin/taskset", "/bin/taskset"].first { (path: String) in access(path, X_OK) == 0 }
}

extension ProcessSuites {
    /// The sizes that pools have when nobody says one, in programs that may use only some of the machine's processors.
    ///
    /// What the machine has bounds what can be seen: a limit that is above it changes nothing.
    @Suite(.enabled(if: Machine.processors.count > 1, "there is only one processor"))
    struct DefaultSizeTests {
        struct Sizes: Equatable {
            var processPool: Int
            var threadPool: Int

            /// The sizes where so many processors can be used.
            static func usable(_ count: Int) -> Sizes { Sizes(processPool: count, threadPool: min(32, count + 4)) }
        }

        /// What a program's pools have, which prints it.
        private func sizes(_ program: String, _ arguments: [String]) throws -> Sizes {
            let child = try ChildProgram(program, arguments, capturesOutput: true)
            let output = child.readToEnd()
            try #require(child.exitCode == 0, "\(program) \(arguments): \(output)")
            let words = output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(words.count == 2, "\(output)")
            return Sizes(processPool: words[0], threadPool: words[1])
        }

        private var testWorker: String { BuildProducts.path(of: "test-worker") }

        /// How many processors a program can use that nobody has limited further.
        private func allUsable() throws -> Int { try sizes(testWorker, ["defaults"]).processPool }

        @Test(
            "T1, P1: the default sizes follow the processors that a program may run on", .proves(.T1, .P1),
            .enabled(if: Machine.taskset != nil, "there is no taskset; Debian has it in util-linux"), arguments: [1, 2])
        func affinity(count: Int) throws {
            try Leftovers.check {
                let list = Machine.processors.prefix(count).map(String.init).joined(separator: ",")
                let sizes = try sizes(#require(Machine.taskset), ["-c", list, testWorker, "defaults"])
                #expect(sizes == .usable(min(count, try allUsable())))
            }
        }

        @Test(
            "T1, P1: the default sizes follow the quota of a control group, rounded up", .proves(.T1, .P1),
            .enabled(if: ControlGroup.obstacle == nil, "\(ControlGroup.obstacle ?? "")"),
            arguments: [(0.5, 1), (1, 1), (1.5, 2), (nil, Int.max)] as [(Double?, Int)])
        func quota(processors: Double?, count: Int) throws {
            try Leftovers.check {
                let group = try ControlGroup(processors: processors)
                let sizes = try sizes("/bin/sh", group.entering(testWorker, ["defaults"]))
                #expect(sizes == .usable(min(count, try allUsable())))
            }
        }

        @Test(
            "T1, P1: the smallest limit counts, be it of a group further up or the processors that may be used",
            .proves(.T1, .P1), .enabled(if: ControlGroup.obstacle == nil, "\(ControlGroup.obstacle ?? "")"),
            .enabled(if: Machine.taskset != nil, "there is no taskset; Debian has it in util-linux"))
        func severalLimits() throws {
            try Leftovers.check {
                let narrow = try ControlGroup(processors: 1)
                let wide = try ControlGroup(processors: nil, inside: narrow)
                #expect(try sizes("/bin/sh", wide.entering(testWorker, ["defaults"])) == .usable(1))
                let roomy = try ControlGroup(processors: 1.5)
                let first = ["-c", "\(Machine.processors[0])", testWorker, "defaults"]
                #expect(try sizes("/bin/sh", roomy.entering(#require(Machine.taskset), first)) == .usable(1))
            }
        }
    }
}
