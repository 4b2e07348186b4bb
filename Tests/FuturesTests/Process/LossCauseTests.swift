import CProto
import Glibc
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Why a process ended: with real ones, and with what they are known to write.
    @Suite struct LossCauseTests {
        private func cause(
            _ end: Victim.End, _ limits: WorkerLimits = .none, killsBefore: UInt64? = nil, killsAfter: UInt64? = nil
        ) -> LossCause {
            .classify(
                end.status, processorTime: end.processorTime, standardErrorTail: end.tail, limits: limits
            ) { OutOfMemoryWitness.Accounts().take(before: killsBefore, after: killsAfter) }
        }

        @Test(
            "a worker that outgrows its address space is out of memory, and says so", .proves(.P4),
            .enabled(
                if: !hasAddressSanitizer && WorkerLossTests.crashesArePlain, "sanitizers take terabytes of addresses"),
            arguments: [CrashBacktrace.inherited, .off, .fast, .symbolised])
        func addressSpace(backtrace: CrashBacktrace) throws {
            try Leftovers.check {
                let limits = WorkerLimits(addressSpace: 400 << 20)
                let end = try Victim(Victim.command("allocate"), limits: limits, backtrace: backtrace).end()
                #expect(end.tail.contains("Fatal error: failed to allocate "), "\(end.tail)")
                #expect(end.status.isSignal)
                #expect(cause(end, limits) == .outOfMemory(.allocationFailed))
            }
        }

        @Test("a worker that computes for too long is ended, and by what is told", .proves(.P4))
        func processorTime() throws {
            try Leftovers.check {
                let limits = WorkerLimits(processorTime: .seconds(1))
                let end = try Victim(Victim.command("compute"), limits: limits).end()
                #expect(end.status == .signaled(signal: SIGXCPU, dumpedCore: false), "\(end.status)")
                #expect(end.processorTime > .milliseconds(500) && end.processorTime < .seconds(10))
                #expect(cause(end, limits) == .processorTime)
            }
        }

        @Test("one that ignores the signal is killed a second later, which is the same cause", .proves(.P4))
        func processorTimeIgnored() throws {
            try Leftovers.check {
                let limits = WorkerLimits(processorTime: .seconds(1))
                let end = try Victim(Victim.shell("trap '' XCPU; while :; do :; done"), limits: limits).end()
                #expect(end.status == .signaled(signal: SIGKILL, dumpedCore: false), "\(end.status)")
                #expect(cause(end, limits) == .processorTime)
                #expect(cause(end) == .signal)
            }
        }

        @Test(
            "a worker that the kernel kills for its group's memory is out of memory", .proves(.P4),
            .enabled(if: ControlGroup.memoryObstacle == nil, "\(ControlGroup.memoryObstacle ?? "")"),
            .enabled(if: !hasAddressSanitizer && WorkerLossTests.crashesArePlain, "sanitizers need more memory"))
        func killedByKernel() throws {
            try Leftovers.check {
                let group = try ControlGroup(memory: 64 << 20)
                let witness = OutOfMemoryWitness(
                    membership: group.membership, mounts: textOfFile("/proc/self/mountinfo") ?? "", read: textOfFile)
                try #require(witness.file?.contains("futures-test-") == true, "\(String(describing: witness.file))")
                let victim = Victim.command("allocate")
                let command = WorkerCommand(
                    executable: "/bin/sh", arguments: group.entering(victim.executable, victim.arguments))
                let before = witness.kills()
                #expect(before == 0)
                let end = try Victim(command).end()
                let after = witness.kills()
                #expect(end.status == .signaled(signal: SIGKILL, dumpedCore: false))
                #expect(after == 1)
                #expect(cause(end, killsBefore: before, killsAfter: after) == .outOfMemory(.killedByKernel))

                // Somebody's SIGKILL is not counted.
                let other = try Victim(
                    WorkerCommand(executable: "/bin/sh", arguments: group.entering("/bin/sh", ["-c", "kill -KILL $$"])))
                let killed = try other.end()
                #expect(killed.status == .signaled(signal: SIGKILL, dumpedCore: false))
                #expect(cause(killed, killsBefore: after, killsAfter: witness.kills()) == .signal)
            }
        }

        @Test(
            "crashes, exits and signals are told apart",
            .enabled(
                if: !hasAddressSanitizer && WorkerLossTests.crashesArePlain, "sanitizers end a crash in their own way"))
        func others() throws {
            try Leftovers.check {
                let expected: [(WorkerCommand, LossCause)] = [
                    (Victim.command("trap"), .crash), (Victim.command("recurse"), .crash),
                    (Victim.shell("exit 0"), .exit), (Victim.shell("exit 7"), .exit),
                    (Victim.shell("kill -TERM $$"), .signal),
                ]
                for (command, expected) in expected {
                    let end = try Victim(command, backtrace: .off).end()
                    #expect(cause(end) == expected, "\(command.arguments) \(end.status)")
                }
            }
        }

        /// What was seen of programs that were refused memory, or were not.
        private static let texts: [(TerminationStatus, String, LossCause, LossCause)] = {
            let abort = TerminationStatus.signaled(signal: SIGABRT, dumpedCore: false)
            let segmentation = TerminationStatus.signaled(signal: SIGSEGV, dumpedCore: true)
            let memory = LossCause.outOfMemory(.allocationFailed)
            return [
                (abort, "loading\nFatal error: failed to allocate 88 bytes of memory with alignment 8", memory, memory),
                (
                    abort, "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
                    memory, memory
                ),
                (
                    abort, "libc++abi: terminating due to uncaught exception of type std::bad_alloc: std::bad_alloc",
                    memory, memory
                ),
                (.exited(code: 1), "sort: Cannot allocate memory", memory, .exit),
                (.exited(code: 1), "numbers: out of memory", memory, .exit),
                (.exited(code: 0), "sort: Cannot allocate memory", .exit, .exit),
                (.exited(code: 1), "no such file", .exit, .exit),
                (abort, "main.swift:3: Fatal error: out of paper", .crash, .crash),
                (abort, "", .crash, .crash),
                // The text is about something earlier: whoever is refused memory does not run on into this.
                (segmentation, "Fatal error: failed to allocate 88 bytes of memory with alignment 8", .crash, .crash),
                (.unknown, "Fatal error: failed to allocate 88 bytes of memory with alignment 8", .unknown, .unknown),
            ]
        }()

        @Test("what a program wrote counts only with an end that fits", arguments: texts)
        func words(status: TerminationStatus, text: String, limited: LossCause, unlimited: LossCause) {
            for (limits, cause) in [(WorkerLimits(addressSpace: 1 << 30), limited), (.none, unlimited)] {
                #expect(
                    LossCause.classify(status, standardErrorTail: text, limits: limits) { false } == cause)
            }
        }

        @Test("the kernel's counter matters for SIGKILL only, and only if it has moved")
        func counters() {
            func cause(_ signal: Int32, _ before: UInt64?, _ after: UInt64?) -> LossCause {
                .classify(.signaled(signal: signal, dumpedCore: false), standardErrorTail: "") {
                    OutOfMemoryWitness.Accounts().take(before: before, after: after)
                }
            }
            #expect(cause(SIGKILL, 3, 4) == .outOfMemory(.killedByKernel))
            #expect(cause(SIGKILL, 3, 3) == .signal)
            #expect(cause(SIGKILL, nil, 3) == .signal)
            #expect(cause(SIGKILL, 3, nil) == .signal)
            #expect(cause(SIGTERM, 3, 4) == .signal)
            #expect(cause(SIGSEGV, 3, 4) == .crash)
        }

        @Test(
            "a kill of the kernel's is one worker's end: who is killed later, and was there before it, is not charged with it"
        )
        func accounts() {
            let accounts = OutOfMemoryWitness.Accounts()
            #expect(accounts.take(before: 0, after: 1))
            #expect(!accounts.take(before: 0, after: 1))
            // Two at a time, of which one started later.
            #expect(accounts.take(before: 1, after: 3))
            #expect(accounts.take(before: 0, after: 3))
            #expect(!accounts.take(before: 2, after: 3))
            #expect(!accounts.take(before: nil, after: 9) && !accounts.take(before: 0, after: nil))
            #expect(accounts.take(before: 8, after: 9) && !accounts.take(before: 8, after: 9))
        }

        @Test("a kill after most of the processor time is the limit's, unless the kernel was out of memory")
        func processorTimeOrKill() {
            func cause(_ computed: Duration?, killsAfter: UInt64 = 5) -> LossCause {
                .classify(
                    .signaled(signal: SIGKILL, dumpedCore: false), processorTime: computed, standardErrorTail: "",
                    limits: WorkerLimits(processorTime: .seconds(3))
                ) { killsAfter > 5 }
            }
            #expect(cause(.seconds(4)) == .processorTime)
            #expect(cause(.seconds(2)) == .processorTime)
            #expect(cause(.milliseconds(1990)) == .signal)
            #expect(cause(nil) == .signal)
            #expect(cause(.seconds(4), killsAfter: 6) == .outOfMemory(.killedByKernel))
        }

        @Test("the causes in words")
        func descriptions() {
            #expect(LossCause.crash.description == "it crashed")
            #expect(
                LossCause.outOfMemory(.allocationFailed).description == "it ran out of memory: an allocation failed")
            #expect(LossCause.outOfMemory(.killedByKernel).description.contains("the kernel killed it"))
            #expect(LossCause.outOfMemory(.residentMemory).description.contains("workerLimits.residentMemory"))
            #expect(LossCause.processorTime.description == "its processor time was used up")
        }
    }
}
