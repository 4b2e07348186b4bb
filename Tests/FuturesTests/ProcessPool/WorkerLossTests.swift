import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Workers that end when nobody expects it.
    @Suite struct WorkerLossTests {
        /// The error that a pool's future fails with when its worker is lost.
        private func loss(of future: AnyFuture) throws -> BrokenProcessPool {
            try #require(try future.exception(timeout: longTime) as? BrokenProcessPool)
        }

        /// The thread sanitizer handles crashes in its own way.
        static let crashesArePlain = getenv("FUTURES_THREAD_SANITIZER") == nil

        @Test(
            "a trap is told in full: function, pid, signal, and Swift's own line; the pool is broken",
            .proves(.P4, .P5),
            .enabled(if: crashesArePlain))
        func traps() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let pid = try pool.submit(processID).result(timeout: longTime)
                let guilty = try pool.submit(trap, "the tank is empty")
                let behind = try (0..<20).map { try pool.submit(increment, $0) }
                let error = try loss(of: guilty)
                let text = "\(error)"
                let details = try #require(error.loss)
                #expect(details.processID == pid && details.functionName == "trap" && details.attempt == 1)
                #expect(details.status?.isSignal == true)
                #expect(text.contains("a worker process ended abruptly"))
                #expect(text.contains("worker process \(pid) was ended by signal"))
                #expect(text.contains("while it ran the call of \"trap\""))
                #expect(text.contains("Fatal error: the tank is empty"), "\(text)")
                for future in behind { #expect(try loss(of: future).loss?.processID == details.processID) }
                #expect(throws: BrokenProcessPool.self) { try pool.submit(add, 1, 2) }
                pool.shutdown()
            }
        }

        @Test("a signal and an exit are told apart", .proves(.P4), arguments: [SIGKILL, SIGTERM, SIGUSR1])
        func signals(number: Int32) throws {
            try Leftovers.check {
                let pool = try makePool()
                let error = try loss(of: pool.submit(raiseSignal, Int(number)))
                guard case .signaled(number, _)? = error.loss?.status else {
                    Issue.record("\(error)")
                    return
                }
                pool.shutdown()
            }
        }

        @Test("a write through a bad pointer is SIGSEGV", .proves(.P4), .enabled(if: crashesArePlain))
        func segmentationFault() throws {
            try Leftovers.check {
                let pool = try makePool()
                let error = try loss(of: pool.submit(writeToNowhere, 8))
                #expect("\(error)".contains("SIGSEGV"), "\(error)")
                pool.shutdown()
            }
        }

        @Test("a task that exits breaks the pool, whatever the code", .proves(.P4), arguments: [0, 1, 42])
        func exits(code: Int) throws {
            try Leftovers.check {
                let pool = try makePool()
                let error = try loss(of: pool.submit(leave, code))
                #expect(error.loss?.status == .exited(code: Int32(code)))
                #expect("\(error)".contains("exited with code \(code) while it ran the call of \"leave\""))
                pool.shutdown()
            }
        }

        @Test("a worker that closes the wire, or writes what is not the wire's protocol, breaks the pool")
        func brokenWire() throws {
            try Leftovers.check {
                let closing = try makePool(maxWorkers: 1)
                let closed = try loss(of: closing.submit(closeWire))
                #expect("\(closed)".contains("it closed its end without exiting"), "\(closed)")
                closing.shutdown()

                let writing = try makePool(maxWorkers: 1)
                let garbage = try loss(of: writing.submit(writeGarbage))
                #expect("\(garbage)".contains("a worker broke the rules of the wire"), "\(garbage)")
                writing.shutdown()
            }
        }

        @Test("a crash after shutdown was called is an error, never a hang", .proves(.P7))
        func crashesAfterShutdown() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                let crashing = try pool.submit(raiseSignal, Int(SIGKILL))
                let behind = try pool.submit(add, 1, 2)
                try folder.waitFor("runs")
                pool.shutdown(wait: false)
                folder.write("", to: "go")
                pool.shutdown()
                #expect(try running.result(timeout: longTime) == 1)
                #expect(try loss(of: crashing).loss?.functionName == "raise_signal")
                #expect(behind.isDone)
            }
        }

        @Test("submitting from a callback that runs because the pool broke throws, and does not hang", .proves(.C3))
        func submitsFromCallback() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let seen = Future<String>()
                let future = try pool.submit(leave, 3)
                future.addDoneCallback { _ in
                    do { _ = try pool.submit(add, 1, 2) } catch { seen.fulfil("\(type(of: error))") }
                    pool.shutdown()
                }
                #expect(try seen.result(timeout: longTime) == "BrokenProcessPool")
                pool.shutdown()
            }
        }

        @Test("terminating and killing fail what runs and cancel what waits", .proves(.H7), arguments: [true, false])
        func terminates(gently: Bool) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("never"))
                let waiting = try pool.submit(add, 1, 2)
                try folder.waitFor("runs")
                if gently { pool.terminateWorkers() } else { pool.killWorkers() }
                let error = try loss(of: running)
                #expect("\(error)".contains(gently ? "terminateWorkers() was called" : "killWorkers() was called"))
                // Whoever carries out what the pool decided may be another thread, and not be through with it.
                #expect(wait([waiting], timeout: longTime).notDone.isEmpty && waiting.isCancelled)
                pool.shutdown()
            }
        }

        @Test(
            "terminating sends SIGTERM, which a task may handle, and killing SIGKILL", .proves(.H7),
            arguments: [true, false])
        func sendsItsSignal(gently: Bool) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                // The handler has its time, also on a loaded machine.
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(terminationGrace: longTime))
                let running = try pool.submit(handleTermination, folder.file("ready"), folder.file("terminated"))
                try folder.waitFor("ready")
                if gently { pool.terminateWorkers() } else { pool.killWorkers() }
                // The worker is gone then.
                pool.shutdown()
                #expect(try running.exception(timeout: .zero) is BrokenProcessPool)
                let isHandled = access(folder.file("terminated"), F_OK) == 0
                #expect(isHandled == gently)
            }
        }

        @Test("what tasks print does not disturb the wire, and their standard error reaches ours", .proves(.P10))
        func prints() throws {
            let program = try ChildProgram(BuildProducts.path(of: "test-worker"), ["print"], capturesOutput: true)
            let output = program.readToEnd()
            #expect(output.contains("to the output"), "\(output)")
            #expect(output.contains("to the error"), "\(output)")
            #expect(output.contains("answer 13"), "\(output)")
        }
    }
}

extension TerminationStatus {
    var isSignal: Bool {
        if case .signaled = self { return true }
        return false
    }
}
