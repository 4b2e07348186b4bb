import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Programs that have done something to themselves before they use a pool; `Tests/TestWorker/Surroundings.swift` has
    /// what they do.
    ///
    /// Not under the thread sanitizer, whose runtime handles signals in its own way and needs descriptors itself.
    @Suite(.enabled(if: WorkerLossTests.crashesArePlain)) struct SurroundingsTests {
        /// What the program told of its use of a pool, line by line.
        func report(_ surroundings: String, exitCode: Int32 = 0) throws -> String {
            let folder = TemporaryFolder()
            let program = try ChildProgram(
                BuildProducts.path(of: "test-worker"), ["surroundings", surroundings, folder.path],
                capturesOutput: true)
            let output = program.readToEnd()
            #expect(program.exitCode == exitCode, "\(surroundings): \(output)")
            guard let file = fopen(folder.file("report"), "r") else { return "" }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = fread(&bytes, 1, bytes.count, file)
            return String(decoding: bytes[..<count], as: UTF8.self)
        }

        @Test(
            "a program that lets nobody wait for its children: work is done, a lost worker is reported, nothing hangs",
            .proves(.P4),
            arguments: ["SIGCHLD ignored", "SIGCHLD reaps everything"])
        func childrenAreReapedByOthers(surroundings: String) throws {
            let report = try report(surroundings)
            #expect(report.hasPrefix("sum 1275\n"), "\(report)")
            #expect(report.contains("the process pool is broken: a worker process ended abruptly"), "\(report)")
            #expect(report.contains("while it ran the call of \"leave\""), "\(report)")
            #expect(report.hasSuffix("over\n"), "\(report)")
        }

        @Test(
            "standard descriptors that are closed, or few descriptors in all, do no harm", .proves(.P10),
            arguments: ["closed standard descriptors", "standard descriptors closed later", "few descriptors"])
        func descriptors(surroundings: String) throws {
            let report = try report(surroundings)
            #expect(report.hasPrefix("sum 1275\n"), "\(report)")
            #expect(report.contains("exited with code 3 while it ran the call of \"leave\""), "\(report)")
            #expect(report.hasSuffix("over\n"), "\(report)")
        }

        @Test("a program that is out of descriptors when a worker is to be started gets an error that says so")
        func noDescriptors() throws {
            let report = try report("no descriptors left")
            let lines = report.split(separator: "\n")
            try #require(lines.count == 4, "\(report)")
            #expect(lines[0] == "epoll_create1 failed: Too many open files")
            #expect(lines[1] == "eventfd failed: Too many open files")
            #expect(lines[2].contains("no worker could be started"))
            #expect(lines[2].contains("Too many open files"))
            #expect(lines[3] == "over")
        }

        @Test("signals that interrupt every system call change nothing")
        func signals() throws {
            #expect(try report("signals") == "sum 125250, whole true\nover\n")
        }

        @Test("a worker that writes to its standard error without end does not hold up the others")
        func chatter() throws {
            #expect(try report("chatter") == "sum 1275\nover\n")
        }

        @Test("a standard error that nobody reads holds up the worker that writes there, and nobody else")
        func blockedStandardError() throws {
            #expect(try report("blocked standard error") == "sum 1275\ntrue\nover\n")
        }
    }
}
