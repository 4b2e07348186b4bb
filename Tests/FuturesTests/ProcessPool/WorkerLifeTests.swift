import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct WorkerLifeTests {
        @Test(
            "recycling cannot stall: a backlog of several generations, with and without waiting, and when dropped",
            .proves(.P3, .H2, .H4), arguments: ["shutdown", "without waiting", "dropped"], [1, 3])
        func generations(ending: String, maxTasksPerChild: Int) throws {
            try Leftovers.check(eventually: true) {
                var futures: [Future<Int>] = []
                do {
                    let pool = try makePool(maxWorkers: 2, maxTasksPerChild: maxTasksPerChild)
                    futures = try (0..<30).map { _ in try pool.submit(processID) }
                    switch ending {
                    case "shutdown": pool.shutdown()
                    case "without waiting": pool.shutdown(wait: false)
                    default: break
                    }
                }
                let workers = try futures.map { try $0.result(timeout: longTime) }
                let counts = Dictionary(grouping: workers) { $0 }.mapValues(\.count)
                #expect(counts.values.allSatisfy { $0 <= maxTasksPerChild })
                #expect(counts.count >= 30 / maxTasksPerChild)
            }
        }

        @Test("arguments and results are released in the worker right after use", .proves(.P11))
        func releases() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                for number in 0..<5 {
                    #expect(try pool.submit(echoToken, Token(number)).result(timeout: longTime).number == number)
                    // Its own argument is all that there is.
                    #expect(try pool.submit(countTokens, Token(1)).result(timeout: longTime) == 1)
                    #expect(try pool.submit(countTokens, nil).result(timeout: longTime) == 0)
                    _ = try pool.map(makeToken, 0..<50, chunkSize: 25).collect()
                    #expect(try pool.submit(countTokens, nil).result(timeout: longTime) == 0)
                }
                pool.shutdown()
            }
        }

        @Test(
            "an argument and a result are let go of when their call is over, without another one", .proves(.P11),
            arguments: [false, true], [1, 3])
        func releasesAtOnce(isResult: Bool, count: Int) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(processID).result(timeout: longTime)
                let paths = (0..<count).map { folder.file("\($0)") }
                switch (isResult, count) {
                case (false, 1):
                    #expect(try pool.submit(takeParting, Parting(paths[0])).result(timeout: longTime) == worker)
                case (true, 1):
                    #expect(try pool.submit(makeParting, paths[0]).result(timeout: longTime).path == paths[0])
                case (false, _):
                    let workers = try pool.map(takeParting, paths.map { Parting($0) }, chunkSize: 3).collect()
                    #expect(workers == Array(repeating: worker, count: count))
                case (true, _):
                    #expect(try pool.map(makeParting, paths, chunkSize: 3).collect().map(\.path) == paths)
                }
                for index in 0..<count { try folder.waitFor("\(index)") }
                // Not because the process has ended.
                #expect(try pool.submit(processID).result(timeout: longTime) == worker)
                pool.shutdown()
            }
        }

        @Test("100,000 submissions while every worker is stopped do not block, and complete later", .proves(.P8, .S1))
        func stalled() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(processID).result(timeout: longTime)
                // Short calls first, so that much is sent ahead and the pipe fills.
                _ = try pool.map(increment, 0..<2_000).collect()
                kill(pid_t(worker), SIGSTOP)
                let bytes = [UInt8](repeating: 1, count: 3_000)
                let futures = try (0..<100_000).map { _ in try pool.submit(echoBytes, bytes) }
                #expect(futures.contains { !$0.isDone })
                kill(pid_t(worker), SIGCONT)
                let right = try futures.count { try $0.result(timeout: longTime).count == 3_000 }
                #expect(right == 100_000)
                pool.shutdown()
            }
        }

        @Test("an argument that is larger than the wire takes is refused, with both numbers", .proves(.P8, .S4))
        func tooLarge() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let error = try pool.submit(echoBytes, [UInt8](repeating: 0, count: 1 << 30 + 1))
                    .exception(timeout: longTime)
                let text = "\(try #require(error as? TransportError))"
                #expect(text.contains("1073741825 bytes") && text.contains("at most 1073741824"), "\(text)")
                #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                pool.shutdown()
            }
        }

        @Test("Ctrl-C reaches the program, which decides, and not its workers", .proves(.P9))
        func interrupted() throws {
            let folder = TemporaryFolder()
            let program = try ChildProgram(
                BuildProducts.path(of: "test-worker"), ["interrupted", folder.path], capturesOutput: true)
            defer { program.kill() }
            try folder.waitFor("runs")
            // What a terminal does: the signal goes to every process of the group in front.
            #expect(kill(-program.pid, SIGINT) == 0)
            folder.write("", to: "go")
            #expect(program.readToEnd() == "met 1\n")
            #expect(program.exitCode == 0)
        }

        @Test(
            "a program that ends without a shutdown leaves no worker", .proves(.H6, .P9), arguments: ["busy", "idle"])
        func endsWithoutShutdown(what: String) throws {
            let folder = TemporaryFolder()
            let program = try ChildProgram(
                BuildProducts.path(of: "test-worker"), ["leave", what, folder.path], capturesOutput: true)
            defer { program.kill() }
            #expect(program.readToEnd() == "")
            #expect(program.exitCode == 0)
            let workers = try ["a", "b"].flatMap { try folder.lines(of: $0) }.compactMap { Int32($0) }
            #expect(Set(workers).count == 2)
            try spin { workers.allSatisfy { kill($0, 0) != 0 || ChildProgram.isZombie($0) } }
        }
    }
}
