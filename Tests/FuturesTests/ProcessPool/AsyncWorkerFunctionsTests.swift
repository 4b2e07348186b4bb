import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Asking a program for its functions, in async code.
    @Suite struct AsyncWorkerFunctionsTests {
        @Test("the functions and the errors are those of the blocking form")
        func functions() async throws {
            try await Leftovers.check {
                #expect(try await BuildProducts.testWorker.functions().map(\.name) == testRegistry.names)
                let program = WorkerCommand(executable: "/bin/true")
                let error = try await #require(throws: WorkerStartError.self) { try await program.functions() }
                #expect("\(error)".contains("before its handshake"), "\(error)")
            }
        }

        @Test("cancelling the task ends the program")
        func cancelled() async throws {
            let folder = TemporaryFolder()
            try await Leftovers.check {
                let script = "echo $$ > \(folder.file("pid")); exec sleep 1000"
                let program = WorkerCommand(executable: "/bin/sh", arguments: ["-c", script])
                let task = Task { try await program.functions(timeout: .seconds(600)) }
                try await spin { (try? folder.lines(of: "pid").count) == 1 }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                let pid = try #require(try folder.lines(of: "pid").first.flatMap { Int32($0) })
                try await spin { kill(pid, 0) != 0 }
            }
        }
    }
}
