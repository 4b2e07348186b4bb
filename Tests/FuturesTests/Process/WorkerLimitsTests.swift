import CProto
import Glibc
import TestFunctions
import TestSupport
import Testing
import Wire

@testable import Futures

extension ProcessSuites {
    @Suite struct WorkerLimitsTests {
        /// Soft and hard limit of a process, by the names of /proc/PID/limits.
        private func limits(_ text: String) -> [String: [Substring]] {
            var found: [String: [Substring]] = [:]
            for line in text.split(separator: "\n") where line.hasPrefix("Max ") {
                let name = line.prefix(26).split(separator: " ").joined(separator: " ")
                found[name] = Array(line.dropFirst(26).split(separator: " ").prefix(2))
            }
            return found
        }

        private let report = Victim.shell(
            "read line <&3; exec >&4; cat /proc/self/limits; grep Cpus_allowed_list /proc/self/status; echo nice `nice`"
        )

        @Test("what is named is set, in the worker and not here")
        func sets() throws {
            try Leftovers.check {
                let own = try limits(#require(textOfFile("/proc/self/limits")))
                let wanted = WorkerLimits(
                    addressSpace: 3 << 30, residentMemory: 1 << 30, processorTime: .milliseconds(41_500), openFiles: 77,
                    niceness: 7, processors: [0], coreFileSize: 4096)
                try wanted.check()
                let victim = try Victim(report, limits: wanted)
                victim.letGo()
                let text = try victim.hearAll()
                let set = limits(text)
                #expect(set["Max address space"] == ["3221225472", "3221225472"])
                #expect(set["Max cpu time"] == ["42", "43"])
                #expect(set["Max open files"] == ["77", "77"])
                #expect(set["Max core file size"] == ["4096", "4096"])
                #expect(text.contains("nice 7\n"), "\(text)")
                #expect(text.contains("Cpus_allowed_list:\t0\n"), "\(text)")
                #expect(set["Max resident set"] == own["Max resident set"])
                #expect(try victim.end().status == .exited(code: 0))
                #expect(try limits(#require(textOfFile("/proc/self/limits"))) == own)
                #expect(futures_niceness() == 0 && own["Max open files"] != ["77", "77"])
            }
        }

        @Test("without a limit a worker has what this program has")
        func inherits() throws {
            try Leftovers.check {
                let victim = try Victim(report)
                victim.letGo()
                let text = try victim.hearAll()
                #expect(try limits(text) == limits(#require(textOfFile("/proc/self/limits"))))
                #expect(text.contains("nice \(futures_niceness())\n"), "\(text)")
                #expect(try victim.end().status == .exited(code: 0))
            }
        }

        @Test("threads that are there before the limits get them, too")
        func threads() throws {
            try Leftovers.check {
                let victim = try Victim(Victim.command("threads"))
                _ = try victim.hear()
                try WorkerLimits(niceness: 3, processors: [0]).apply(to: victim.pid)
                for thread in ProcFiles.threads(of: victim.pid) {
                    let status = try #require(textOfFile("/proc/\(victim.pid)/task/\(thread)/status"))
                    #expect(status.contains("Cpus_allowed_list:\t0\n"), "\(status)")
                    // proc(5): behind the name in parentheses come the state, and 16 fields later the nice value.
                    let stat = try #require(textOfFile("/proc/\(victim.pid)/task/\(thread)/stat"))
                    let fields = stat[stat.lastIndex(of: ")")!...].split(separator: " ")
                    #expect(fields[17] == "3", "\(stat)")
                }
                #expect(ProcFiles.threads(of: victim.pid).count >= 4)
            }
        }

        @Test("a limit that cannot be set is an error with its name, and no process is left")
        func refused() throws {
            try Leftovers.check {
                let nowhere = WorkerLimits(processors: [processorLimit - 1])
                let error = try #require(throws: WorkerStartError.self) { try Victim(self.report, limits: nowhere) }
                let text = "\(error)"
                #expect(text.contains("the worker executable /bin/sh (pid "), "\(text)")
                #expect(text.contains("cannot be given its workerLimits.processors: Invalid argument"), "\(text)")
                #expect(text.contains("the cpuset of its control group, does not have all of them"), "\(text)")
                #expect(try kill(#require(error.pid), 0) == -1 && errno == ESRCH)

                // Also where only some of them are not there.
                let half = WorkerLimits(processors: [0, processorLimit - 1])
                #expect(throws: WorkerStartError.self) { try Victim(self.report, limits: half) }
                // No privilege lifts this one beyond fs.nr_open.
                let many = WorkerLimits(openFiles: .max)
                let other = try #require(throws: WorkerStartError.self) { try Victim(self.report, limits: many) }
                #expect("\(other)".contains("workerLimits.openFiles: Operation not permitted"), "\(other)")
            }
        }

        @Test("a process that has ended already is no failure of its limits")
        func endedAlready() throws {
            try Leftovers.check {
                let victim = try Victim(Victim.shell("exit 3"))
                #expect(try victim.end().status == .exited(code: 3))
                try WorkerLimits(addressSpace: 1 << 30, niceness: 3, processors: [0]).apply(to: victim.pid)
            }
        }

        @Test(
            "a worker serves within limits that are near to what it needs",
            .enabled(
                if: !hasAddressSanitizer && WorkerLossTests.crashesArePlain, "sanitizers take terabytes of addresses"))
        func serves() throws {
            try Leftovers.check {
                let limits = WorkerLimits(addressSpace: 512 << 20, openFiles: 16, niceness: 1, coreFileSize: 0)
                let worker = try Victim(BuildProducts.testWorker, limits: limits)
                var hello = FrameBuffer()
                try hello.append(.hello(Hello()), payload: .empty)
                worker.send(hello)
                // Its welcome tells its functions.
                #expect(try worker.hear().contains("descend"))
            }
        }

        @Test("values outside their ranges are refused with the setting's name")
        func ranges() {
            let wrong: [(WorkerLimits, String)] = [
                (WorkerLimits(addressSpace: 0), "workerLimits.addressSpace must be at least 1, not 0"),
                (WorkerLimits(residentMemory: -1), "workerLimits.residentMemory must be at least 1, not -1"),
                (
                    WorkerLimits(processorTime: .zero),
                    "workerLimits.processorTime must be more than zero, not 0.0 seconds"
                ),
                (WorkerLimits(openFiles: 15), "workerLimits.openFiles must be at least 16, not 15"),
                (WorkerLimits(niceness: 20), "workerLimits.niceness must be from -20 to 19, not 20"),
                (WorkerLimits(niceness: -21), "workerLimits.niceness must be from -20 to 19, not -21"),
                (WorkerLimits(processors: []), "workerLimits.processors must name at least one"),
                (WorkerLimits(coreFileSize: -1), "workerLimits.coreFileSize must be at least 0, not -1"),
            ]
            for (limits, text) in wrong {
                let error = #expect(throws: InvalidArgumentError.self) { try limits.check() }
                #expect(error?.description == text)
            }
        }

        @Test("what this program may not give is refused before a worker is started")
        func surroundings() throws {
            var modest = WorkerLimits.Surroundings(
                hardLimit: { $0 == FUTURES_OPEN_FILES ? 4096 : $0 == FUTURES_CORE_FILE ? 0 : .max },
                mayLiftLimits: false, mostOpenFiles: 100_000, lowestNiceness: 5, processors: [0, 1, 2])
            func text(_ limits: WorkerLimits) -> String? {
                do { try limits.check(in: modest) } catch { return error.description }
                return nil
            }
            #expect(text(WorkerLimits(addressSpace: .max, openFiles: 4096, niceness: 5, processors: [2])) == nil)
            #expect(
                text(WorkerLimits(openFiles: 4097))
                    == """
                    workerLimits.openFiles is above this program's own hard limit of 4096: 4097; that takes \
                    CAP_SYS_RESOURCE
                    """
            )
            #expect(text(WorkerLimits(coreFileSize: 1))?.contains("hard limit of 0: 1") == true)
            #expect(
                text(WorkerLimits(niceness: 4))
                    == "workerLimits.niceness is below 5, which this program may give: 4; that takes CAP_SYS_NICE")
            #expect(
                text(WorkerLimits(processors: [1, 9, 3]))
                    == "workerLimits.processors names [3, 9], and the machine has only [0, 1, 2]")
            modest.mayLiftLimits = true
            #expect(text(WorkerLimits(openFiles: 4097, coreFileSize: 1)) == nil)
            #expect(text(WorkerLimits(openFiles: 100_001))?.contains("(fs.nr_open): 100001") == true)
            modest.processors = nil
            #expect(text(WorkerLimits(processors: [9])) == nil)
        }

        @Test("what a check says of this program is what the system does")
        func checkIsRight() throws {
            try Leftovers.check {
                let most = futures_hard_limit(FUTURES_OPEN_FILES)
                if futures_may_lift_limits() == 0, most < UInt64(Int.max) {
                    let above = WorkerLimits(openFiles: Int(most) + 1)
                    #expect(throws: InvalidArgumentError.self) { try above.check() }
                    #expect(throws: WorkerStartError.self) { try Victim(self.report, limits: above) }
                }
                let lowest = WorkerLimits(niceness: Int(futures_lowest_niceness()))
                try lowest.check()
                _ = try Victim(report, limits: lowest)
                let online = try #require(WorkerLimits.Surroundings.current.processors)
                try WorkerLimits(processors: online).check()
                let beyond = WorkerLimits(processors: online.union([online.max()! + 1]))
                #expect(throws: InvalidArgumentError.self) { try beyond.check() }
            }
        }

        @Test(
            "lists of processors",
            arguments: [
                ("0-3,8\n", [0, 1, 2, 3, 8]), ("5", [5]), ("", nil), ("3-1", nil), ("1-2-3", nil), ("a", nil),
                ("-1", nil),
                ("0-99999999999", nil),
            ] as [(String, Set<Int>?)])
        func processorLists(text: String, numbers: Set<Int>?) {
            #expect(WorkerLimits.Surroundings.processors(in: text) == numbers)
        }

        @Test("processor time is rounded up to seconds")
        func seconds() {
            #expect(WorkerLimits(processorTime: .milliseconds(1)).processorSeconds == 1)
            #expect(WorkerLimits(processorTime: .seconds(2)).processorSeconds == 2)
            #expect(WorkerLimits(processorTime: .milliseconds(2001)).processorSeconds == 3)
            #expect(WorkerLimits.none.processorSeconds == nil)
        }
    }
}

/// One more than the highest number of a processor.
private let processorLimit = Int(FUTURES_PROCESSOR_LIMIT)
