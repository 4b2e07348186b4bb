import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Tasks that do something to the process in which they run.
    @Suite struct TaskHabitTests {
        private func withPool(
            maxWorkers: Int = 1, environment: [String: String] = [:], _ body: (ProcessPoolExecutor) throws -> Void
        ) throws {
            try Leftovers.check {
                var worker = BuildProducts.testWorker
                worker.environment = environment
                let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: maxWorkers, worker: worker)
                defer { pool.shutdown() }
                try body(pool)
            }
        }

        // MARK: Too much

        @Test(
            "a recursion without end is told as SIGSEGV, with the function", .proves(.P4, .P5),
            .enabled(if: WorkerLossTests.crashesArePlain))
        func overflowsItsStack() throws {
            try withPool { pool in
                #expect(try pool.submit(descend, 1_000).result(timeout: longTime) == 1_000)
                let error = try pool.submit(descend, 1_000_000_000).exception(timeout: longTime)
                let loss = try #require((error as? BrokenProcessPool)?.loss)
                guard case .signaled(SIGSEGV, _)? = loss.status else { throw Refused(code: 1) }
                #expect(loss.functionName == "descend")
                #expect("\(loss)".contains("SIGSEGV"))
            }
        }

        @Test(
            "a task that asks for more memory than there is ends its worker, and is named", .proves(.P4, .P5),
            .enabled(if: WorkerLossTests.crashesArePlain))
        func asksForTooMuch() throws {
            try withPool { pool in
                let error = try pool.submit(outgrow, 4 << 30).exception(timeout: longTime)
                let loss = try #require((error as? BrokenProcessPool)?.loss)
                #expect(loss.status?.isSignal == true)
                #expect(loss.functionName == "outgrow")
            }
        }

        // MARK: Stopped and interrupted

        @Test("a worker that is stopped and goes on later holds up nobody else, and its result arrives", .proves(.S1))
        func isStopped() throws {
            let folder = TemporaryFolder()
            try withPool(maxWorkers: 2) { pool in
                let stopped = try pool.submit(stop, folder.file("runs"))
                try folder.waitFor("runs")
                try spin { Leftovers.childProcesses().contains { ProcFiles.state(of: $0) == "T" } }
                let worker = try #require(Leftovers.childProcesses().first { ProcFiles.state(of: $0) == "T" })
                for number in 0..<100 {
                    #expect(try pool.submit(increment, number).result(timeout: longTime) == number + 1)
                }
                #expect(try pool.map(increment, 0..<100, chunkSize: 3).collect() == Array(1...100))
                #expect(stopped.isRunning)
                kill(worker, SIGCONT)
                #expect(try stopped.result(timeout: longTime) == 1)
            }
        }

        @Test("cancelling what was sent ahead to a worker that is stopped does not wait for it", .proves(.F5))
        func cancelsBehindStopped() throws {
            let folder = TemporaryFolder()
            try withPool { pool in
                let worker = pid_t(try pool.submit(processID).result(timeout: longTime))
                // Short calls first, so that the pool sends ahead.
                for _ in 0..<50 { _ = try pool.submit(increment, 1).result(timeout: longTime) }
                let stopped = try pool.submit(stop, folder.file("runs"))
                let behind = try (0..<5).map { try pool.submit(increment, $0) }
                try folder.waitFor("runs")
                try spin { ProcFiles.state(of: worker) == "T" }
                let isCancelled = behind.map { $0.cancel() }
                kill(worker, SIGCONT)
                #expect(try stopped.result(timeout: longTime) == 1)
                for (number, future) in behind.enumerated() {
                    #expect(wait([future], timeout: longTime).notDone.isEmpty)
                    #expect(future.isCancelled == isCancelled[number])
                    if !future.isCancelled { #expect(try future.result() == number + 1) }
                }
            }
        }

        @Test("a signal that a task handles does nothing to the worker, nor to its later tasks")
        func handlesSignals() throws {
            try withPool { pool in
                let worker = try pool.submit(processID).result(timeout: longTime)
                #expect(try pool.submit(handleSignal, Int(SIGUSR1)).result(timeout: longTime) == 0)
                for _ in 0..<3 { _ = try pool.submit(raiseSignal, Int(SIGUSR1)).result(timeout: longTime) }
                kill(pid_t(worker), SIGUSR1)
                try spin { (try? pool.submit(handleSignal, Int(SIGUSR1)).result(timeout: longTime)) == 4 }
                #expect(try pool.submit(processID).result(timeout: longTime) == worker)
            }
        }

        @Test("a worker that signals interrupt all the time reads and writes whole messages all the same")
        func isInterrupted() throws {
            try withPool { pool in
                _ = try pool.submit(interrupt, 100).result(timeout: longTime)
                let bytes = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 / 4_093) }
                let large = try (0..<4).map { _ in try pool.submit(echoBytes, bytes) }
                #expect(try pool.map(increment, 0..<2_000, chunkSize: 7).collect() == Array(1...2_000))
                for future in large { #expect(try future.result(timeout: longTime) == bytes) }
                #expect(try pool.submit(sumConcurrently, [1, 2, 3]).result(timeout: longTime) == 12)
                #expect(try pool.submit(interrupt, 0).result(timeout: longTime) > 0)
            }
        }

        @Test("a worker starts with no signal blocked or ignored but SIGPIPE, whatever the program does with its own")
        func startsWithDefaults() throws {
            var (blocked, before) = (sigset_t(), sigset_t())
            sigemptyset(&blocked)
            for number in [SIGUSR2, SIGTERM, SIGCHLD] { sigaddset(&blocked, number) }
            pthread_sigmask(SIG_BLOCK, &blocked, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            let handler = signal(SIGINT, SIG_IGN)
            defer { signal(SIGINT, handler) }
            try withPool { pool in
                // Those above 31 are the C library's own, or for real-time programs.
                let masks = try pool.submit(signalMasks).result(timeout: longTime).map { $0 & 0x7fff_ffff }
                #expect(masks == [0, 1 << UInt64(SIGPIPE - 1)])
            }
        }

        @Test(
            "a worker is in a process group of its own, where no Ctrl-C comes, and in the program's session",
            .proves(.P9))
        func group() throws {
            try withPool { pool in
                let numbers = try pool.submit(processGroup).result(timeout: longTime)
                #expect(numbers[1] == numbers[0] && numbers[1] != Int(getpgrp()))
                #expect(numbers[2] == Int(getsid(0)))
            }
        }

        @Test("a worker that has left its group is ended all the same", .proves(.H7), arguments: [true, false])
        func leavesGroup(gently: Bool) throws {
            let folder = TemporaryFolder()
            try withPool { pool in
                #expect(try pool.submit(joinParentsGroup).result(timeout: longTime) == 0)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("never"))
                try folder.waitFor("runs")
                if gently { pool.terminateWorkers() } else { pool.killWorkers() }
                #expect(try running.exception(timeout: longTime) is BrokenProcessPool)
            }
        }

        @Test("...though something that it has started is still in that group", .proves(.H7))
        func leavesItsGroupToOthers() throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(terminationGrace: .seconds(3_600)))
                let worker = Int32(try pool.submit(processID).result(timeout: longTime))
                #expect(try pool.submit(runCommand, "sleep 1000 >/dev/null 2>&1 &").result(timeout: longTime) == 0)
                #expect(try pool.submit(joinParentsGroup).result(timeout: longTime) == 0)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("never"))
                try folder.waitFor("runs")
                pool.killWorkers()
                #expect(try running.exception(timeout: longTime) is BrokenProcessPool)
                try spin { ProcFiles.state(of: worker).map { $0 == "Z" } ?? true }
                pool.shutdown()
            }
        }

        // MARK: Descriptors and programs

        @Test("a task that closes the standard descriptors does no harm to the wire, nor to later tasks", .proves(.P10))
        func closesDescriptors() throws {
            let folder = TemporaryFolder()
            try withPool { pool throws in
                #expect(try pool.submit(readInput).result(timeout: longTime) == 0)
                #expect(try pool.submit(closeDescriptors, [0, 1, 2]).result(timeout: longTime) == [0, 0, 0])
                #expect(try pool.submit(readInput).result(timeout: longTime) == -1)
                let bytes = [UInt8](repeating: 7, count: 1 << 20)
                #expect(try pool.submit(echoBytes, bytes).result(timeout: longTime) == bytes)
                // The numbers are given to what a task opens next.
                for number in 0..<3 {
                    #expect(try pool.submit(keepOpen, folder.file("\(number)")).result(timeout: longTime) == number)
                }
                #expect(try pool.submit(printBoth, "words").result(timeout: longTime) == 5)
                #expect(try pool.map(increment, 0..<100, chunkSize: 3).collect() == Array(1...100))
            }
            #expect(try folder.lines(of: "1") == ["words"])
        }

        @Test(
            "a task that closes the pool's end of the wire loses its worker, which is told", .proves(.P4),
            arguments: [3, 4])
        func closesWire(descriptor: Int) throws {
            try withPool { pool in
                let future = try pool.submit(closeDescriptors, [descriptor])
                var error = try future.exception(timeout: longTime)
                // Its answer may be on its way before the worker reads again, or be found when it has gone; then the next call
                // finds out.
                if error == nil {
                    do { error = try pool.submit(increment, 1).exception(timeout: longTime) } catch let refusal {
                        error = refusal
                    }
                }
                let broken = try #require(error as? BrokenProcessPool)
                let text = "\(broken)"
                #expect(text.contains("Bad file descriptor"), "\(text)")
                #expect(!text.contains("out of memory"), "\(text)")
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
            }
        }

        @Test("a task may run programs, which find nothing on their standard input", arguments: ExecutorKind.allCases)
        func runsPrograms(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let codes = try executor.map(runCommand, ["exit 0", "exit 3", "kill -9 $$"]).collect()
                #expect(codes == [0, 3, -9])
                if kind == .processes {
                    // It ends since there is nothing to read.
                    #expect(try executor.submit(runCommand, "cat; exit 4").result(timeout: longTime) == 4)
                    // Nor do they hold the wire, or take themselves for workers.
                    let command = "test -e /proc/self/fd/3 && exit 1; test -n \"$FUTURES_WORKER\" && exit 2; exit 5"
                    #expect(try executor.submit(runCommand, command).result(timeout: longTime) == 5)
                }
            }
        }

        // MARK: Environment and end

        @Test("a worker has the variables that its command names; what a task sets stays in its worker")
        func environment() throws {
            let name = "FUTURES_TEST_COLOUR"
            try withPool(environment: [name: "red"]) { pool throws in
                #expect(try pool.submit(readVariable, name).result(timeout: longTime) == "red")
                #expect(try pool.submit(setVariable, name, "blue").result(timeout: longTime) == 0)
                #expect(try pool.submit(readVariable, name).result(timeout: longTime) == "blue")
                #expect(getenv(name) == nil)
            }
            try withPool { pool throws in
                #expect(try pool.submit(readVariable, name).result(timeout: longTime) == nil)
            }
        }

        enum End: String, CaseIterable { case shutdown, recycled, exit, kill }

        @Test(
            "exit handlers of a worker run at its orderly end, and when a task exits", .proves(.P4),
            arguments: End.allCases)
        func exitHandlers(end: End) throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, maxTasksPerChild: end == .recycled ? 1 : nil)
                try pool.submit(writeAtExit, folder.file("handled"), 7).result(timeout: longTime)
                switch end {
                case .shutdown, .recycled: break
                case .exit: #expect(try pool.submit(leave, 3).exception(timeout: longTime) is BrokenProcessPool)
                case .kill: pool.killWorkers()
                }
                pool.shutdown()
            }
            #expect((try? folder.lines(of: "handled")) == (end == .kill ? nil : ["7"]))
        }

        // MARK: Executors within

        @Test("a task may have executors of its own, also process pools within process pools", .proves(.S1))
        func executorsWithin() throws {
            try withPool(maxWorkers: 2) { pool throws in
                #expect(try pool.map(incrementOnThread, 0..<10).collect() == Array(1...10))
                #expect(try pool.submit(incrementDeep, 10, 3).result(timeout: longTime) == 13)
            }
        }

        @Test("a pool that is killed takes the pools of its workers' tasks with it", .proves(.H7, .P9))
        func killsPoolsWithin() throws {
            let folder = TemporaryFolder()
            try withPool { pool in
                let future = try pool.submit(meetBelow, folder.file("runs"), folder.file("never"))
                let below = try folder.waitForProcess("runs")
                pool.killWorkers()
                #expect(try future.exception(timeout: longTime) is BrokenProcessPool)
                try spin { kill(below, 0) != 0 || ChildProgram.isZombie(below) }
            }
        }
    }
}
