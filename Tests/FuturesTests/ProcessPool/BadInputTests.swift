import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing
import Wire

extension ProcessSuites {
    /// What a user can get wrong, and what the library says then.
    @Suite struct BadInputTests {
        private func text(_ body: () throws -> Any) -> String {
            do {
                return "no error, but \(try body())"
            } catch {
                return "\(error)"
            }
        }

        /// What a call fails with when the pool's worker is this program.
        private func startError(_ worker: WorkerCommand) throws -> String {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1, worker: worker)
                defer { pool.shutdown() }
                let future = try pool.submit(add, 1, 2)
                let error = try #require(try future.exception(timeout: longTime))
                #expect(error is BrokenProcessPool)
                return "\(error)"
            }
        }

        @Test("a function that is not in the pool's registry", .proves(.S3))
        func unregistered() throws {
            let other = Callable("no_such") { (n: Int) -> Int in n }
            let pool = try makePool()
            #expect(
                text { try pool.submit(other, 1) }.hasPrefix(
                    """
                    the function "no_such" (Swift.Int) -> Swift.Int is not in this executor's registry, which has "add", \
                    "add_later", "answer_question"
                    """))
            pool.shutdown()
        }

        @Test("a callable whose types differ from those registered under its name: both are printed", .proves(.S3))
        func mismatchedInRegistry() throws {
            let other = Callable("add") { (text: String) -> Int in text.count }
            let pool = try makePool()
            #expect(
                text { try pool.submit(other, "1") } == """
                    the function "add" is (Swift.String) -> Swift.Int here but (Swift.Int, Swift.Int) -> Swift.Int in \
                    this executor's registry; build both from the same declaration
                    """)
            pool.shutdown()
        }

        @Test("a function that the worker lacks, and one that it has with another signature, fail alone", .proves(.S3))
        func mismatchedInWorker() throws {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(.external, maxWorkers: 1, worker: BuildProducts.testWorker)
                let missing = Callable<Int, Int>(external: "no_such")
                let other = Callable<String, Int>(external: "increment")
                let right = Callable<Int, Int, Int>(external: "add")
                let lacking = try #require(try pool.submit(missing, 1).exception(timeout: longTime))
                #expect(
                    "\(lacking)".contains("does not have the function \"no_such\" (Swift.Int) -> Swift.Int; it has"))
                #expect("\(lacking)".contains("\"add\""))
                #expect("\(lacking)".contains("Is the worker built from the same sources"))
                let differing = try #require(try pool.submit(other, 1).exception(timeout: longTime))
                #expect(
                    "\(differing)".contains(
                        "\"increment\" is (Swift.Int) -> Swift.String here but (Swift.Int) -> Swift.Int in worker process"
                    ))
                #expect(try pool.submit(right, 40, 2).result(timeout: longTime) == 42)
                pool.shutdown()
            }
        }

        @Test("two callables of one name")
        func duplicates() {
            let one = Callable("same") { (n: Int) -> Int in n }
            let two = Callable("same") { (n: Double) -> Int in Int(n) }
            #expect(
                text { try FunctionRegistry(validating: [RegisteredFunction(one), RegisteredFunction(two)]) } == """
                    two callables are named "same" in one registry: (Swift.Int) -> Swift.Int and \
                    (Swift.Double) -> Swift.Int; names must be unique
                    """)
        }

        @Test("numbers below 1", .proves(.P1, .T1, .M2))
        func numbers() throws {
            #expect(text { try makePool(maxWorkers: 0) } == "maxWorkers must be at least 1, not 0")
            #expect(text { try makePool(maxTasksPerChild: -1) } == "maxTasksPerChild must be at least 1, not -1")
            let pool = try makePool()
            #expect(text { try pool.map(increment, [1], chunkSize: 0) } == "chunkSize must be at least 1, not 0")
            pool.shutdown()
        }

        @Test("a worker executable that is missing, a folder, or not executable")
        func unusableExecutables() throws {
            let folder = TemporaryFolder()
            let plain = folder.write("text", to: "plain")
            func make(_ path: String) -> String {
                text { try ProcessPoolExecutor(testRegistry, worker: WorkerCommand(executable: path)) }
            }
            let missing = folder.file("missing")
            #expect(
                make(missing) == "the worker executable \(missing) cannot be run: No such file or directory")
            #expect(make(folder.path) == "the worker executable \(folder.path) cannot be run: it is not a file")
            #expect(make(plain) == "the worker executable \(plain) cannot be run: Permission denied")
        }

        @Test("a worker executable that is not a program")
        func notAProgram() throws {
            let folder = TemporaryFolder()
            let file = folder.write("\u{1}\u{2}\u{3}", to: "bytes", isExecutable: true)
            let error = try startError(WorkerCommand(executable: file))
            #expect(error.contains("the worker executable \(file) cannot be run: Exec format error"), "\(error)")
        }

        @Test("a worker executable that exits at once, with its last words")
        func exitsAtOnce() throws {
            let folder = TemporaryFolder()
            let script = folder.write("#!/bin/sh\necho 'no licence' >&2\nexit 3\n", to: "worker", isExecutable: true)
            let error = try startError(WorkerCommand(executable: script))
            #expect(error.contains("no worker could be started: the worker executable \(script) (pid "))
            #expect(error.contains("exited with code 3 before its handshake"), "\(error)")
            #expect(error.contains("its standard error ends:\nno licence"), "\(error)")
        }

        @Test("a worker executable that prints garbage where the wire is")
        func garbage() throws {
            let folder = TemporaryFolder()
            let script = folder.write(
                "#!/bin/sh\nhead -c 64 /dev/zero >&4\nexec sleep 60\n", to: "worker", isExecutable: true)
            let error = try startError(WorkerCommand(executable: script))
            #expect(error.contains("does not speak the wire protocol: "), "\(error)")
        }

        @Test("a worker executable that says half a frame and exits")
        func halfAFrame() throws {
            let folder = TemporaryFolder()
            folder.write(welcome(version: 1).prefix(20), to: "frame")
            let script = folder.write(
                "#!/bin/sh\ncat \(folder.file("frame")) >&4\n", to: "worker", isExecutable: true)
            let error = try startError(WorkerCommand(executable: script))
            #expect(error.contains("exited with code 0 before its handshake"), "\(error)")
        }

        @Test("a worker executable that speaks a later version of the wire")
        func laterVersion() throws {
            let folder = TemporaryFolder()
            folder.write(welcome(version: 9)[...], to: "frame")
            let script = folder.write(
                "#!/bin/sh\ncat \(folder.file("frame")) >&4\nexec sleep 60\n", to: "worker", isExecutable: true)
            let error = try startError(WorkerCommand(executable: script))
            #expect(error.contains("speaks version 9 of the wire, this side version 1"), "\(error)")
        }

        private func welcome(version: UInt32) -> [UInt8] {
            var buffer = FrameBuffer()
            let message = Welcome(wireVersion: version, pid: 1, functions: [])
            try! buffer.append(.welcome(message))
            return buffer.withFirstBytes { Array($0) }
        }

        @Test("a program whose main does not serve, and makes a pool in its worker")
        func servesNever() throws {
            let program = try ChildProgram(
                BuildProducts.path(of: "test-worker"), ["print"], environment: ["FUTURES_WORKER": "9:1,2"],
                capturesOutput: true)
            let output = program.readToEnd()
            #expect(output.contains("the environment variable FUTURES_WORKER is \"9:1,2\""), "\(output)")
            #expect(program.exitCode == 78)
        }
    }
}
