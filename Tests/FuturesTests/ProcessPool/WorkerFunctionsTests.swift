import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Asking a program for its functions.
    @Suite struct WorkerFunctionsTests {
        private let folder = TemporaryFolder()

        private func failure(of command: WorkerCommand, timeout: Duration = .seconds(60)) throws -> String {
            let error = try #require(throws: WorkerStartError.self) { try command.functions(timeout: timeout) }
            return "\(error)"
        }

        @Test("a worker tells its functions with their types, and is gone")
        func functions() throws {
            try Leftovers.check {
                let functions = try BuildProducts.testWorker.functions()
                #expect(functions.map(\.name) == testRegistry.names)
                let pow = try #require(functions.first { $0.name == increment.name })
                #expect(pow.signature == increment.signature)
                #expect("\(pow)" == "\(increment.name)(Swift.Int) -> Swift.Int")
            }
        }

        @Test("of a program that is no worker it is told what it did instead")
        func noWorkers() throws {
            try Leftovers.check {
                #expect(try failure(of: WorkerCommand(executable: "/bin/true")).contains("before its handshake"))
                let leaving = WorkerCommand(executable: "/bin/sh", arguments: ["-c", "echo why >&2; exit 3"])
                let text = try failure(of: leaving)
                #expect(text.hasSuffix("its standard error ends:\nwhy"), "\(text)")
                // What it is sent, it says.
                let echo = WorkerCommand(executable: "/bin/sh", arguments: ["-c", "exec cat <&3 >&4"])
                #expect(try failure(of: echo).contains("does not speak the wire protocol: "))
                #expect(try failure(of: WorkerCommand(executable: folder.path)).contains("it is not a file"))
                let silent = WorkerCommand(executable: "/bin/sleep", arguments: ["1000"])
                #expect(try failure(of: silent, timeout: .milliseconds(200)).contains("did not finish its handshake"))
            }
        }
    }
}
