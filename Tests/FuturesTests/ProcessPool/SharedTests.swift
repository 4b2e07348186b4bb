import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct SharedTests {
        private func withPool<R>(
            maxWorkers: Int = 1, maxTasksPerChild: Int? = nil, initializer: WorkerInitializer? = nil,
            _ body: (ProcessPoolExecutor) throws -> R
        ) throws -> R {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: maxWorkers, worker: BuildProducts.testWorker,
                    maxTasksPerChild: maxTasksPerChild, initializer: initializer)
                defer { pool.shutdown() }
                return try body(pool)
            }
        }

        @Test("it does not travel: no matter how large, a call takes what a small one takes")
        func doesNotTravel() throws {
            try withPool { pool throws in
                let size = 64 << 20
                let bytes = try pool.share([UInt8](repeating: 1, count: size))
                #expect(try pool.submit(sumShared, bytes).result() == size)
                var shortest = Duration.seconds(1)
                for _ in 0..<100 {
                    let start = ContinuousClock.now
                    #expect(try pool.submit(echoShared, bytes).result().value.count == size)
                    shortest = min(shortest, start.duration(to: .now))
                }
                // A single copy of it takes 10 ms at the very least, in each call.
                #expect(shortest < .milliseconds(9))
            }
        }

        @Test(
            "what is too much for a call can be shared",
            .enabled(if: WorkerLossTests.crashesArePlain, "takes minutes with a sanitizer"))
        func manyFields() throws {
            try withPool { pool throws in
                let texts = Array(repeating: "", count: 17 << 20)
                let shared = try pool.share(texts)
                #expect(try pool.submit(countShared, shared).result(timeout: longTime) == texts.count)
                #expect(try shared.value.count == texts.count)
            }
        }

        @Test("workers that replace others have it, too")
        func recycling() throws {
            try withPool(maxTasksPerChild: 1) { pool throws in
                let table = try pool.share(CountedTable([1, 2, 3]))
                let found = try (0..<5).map { _ in try pool.submit(lookUp, table, 2).result() }
                #expect(found.allSatisfy { $0[0] == 3 && $0[1] == 1 })
                #expect(Set(found.map { $0[2] }).count == 5)
            }
        }

        @Test("it is there for calls that wait, also when nobody holds the handle, and gone when they are done")
        func lifetime() throws {
            try withPool { pool throws in
                let held = try HeldWorker(pool)
                func submit() throws -> (Future<Int>, Future<Int>, MapResults<Int>) {
                    let bytes = try pool.share([UInt8](repeating: 1, count: 1000))
                    let question = Question(table: try pool.share(CountedTable([7])), index: 0)
                    return (
                        try pool.submit(sumShared, bytes), try pool.submit(answerQuestion, question),
                        try pool.map(sumShared, repeatElement(bytes, count: 10), chunkSize: 3)
                    )
                }
                let (sum, answer, sums) = try submit()
                held.letGo()
                #expect(try sum.result() == 1000)
                #expect(try answer.result() == 7)
                #expect(try sums.collect() == Array(repeating: 1000, count: 10))
                try spin { sharedFiles == 0 }
                // The one that is seen next lets the worker drop the others.
                let other = try pool.share([UInt8](repeating: 2, count: 10))
                #expect(try pool.submit(sumShared, other).result() == 20)
                #expect(try pool.submit(countMappings).result() == 1)
                #expect(sharedFiles == 1)
            }
        }

        @Test("what is shared within something that is shared is there as long as that is")
        func nested() throws {
            func share(_ executor: any Executor) throws -> Shared<Question> {
                try executor.share(Question(table: try executor.share(CountedTable([5, 6])), index: 1))
            }
            try withPool { pool throws in
                let question = try share(pool)
                #expect(sharedFiles == 2)
                for _ in 0..<2 { #expect(try pool.submit(answerShared, question).result() == 6) }
                #expect(try question.value.table.value.numbers == [5, 6])
            }
            try withPool { pool throws in
                let held = try HeldWorker(pool)
                let waiting = try pool.submit(answerShared, share(pool))
                held.letGo()
                #expect(try waiting.result() == 6)
                try spin { sharedFiles == 0 }
            }
            // Nothing is encoded before the journal looks at it, which is the same for each run.
            let folder = TemporaryFolder()
            for _ in 0..<2 {
                try withPool { pool throws in
                    let journal = try MapJournal(at: folder.file("journal"))
                    let questions = [try share(InlineExecutor())]
                    #expect(try pool.journaled(in: journal).map(answerShared, questions).collect() == [6])
                    #expect(journal.finishedElements == 1)
                    #expect(try pool.submit(answerShared, questions[0]).result() == 6)
                }
            }
        }

        @Test("a handle that came back is as good as the one that went, also when that is gone")
        func returned() throws {
            try withPool(maxTasksPerChild: 1) { pool throws in
                func sendAndReceive() throws -> Shared<[UInt8]> {
                    try pool.submit(echoShared, pool.share([UInt8](repeating: 1, count: 1000))).result()
                }
                let bytes = try sendAndReceive()
                for _ in 0..<2 { #expect(try pool.submit(sumShared, bytes).result() == 1000) }
                #expect(try bytes.value.count == 1000 && sharedFiles == 1)
            }
            try spin { sharedFiles == 0 }
        }

        /// How many files of shared values this process has.
        private var sharedFiles: Int {
            ProcFiles.entries(of: "/proc/self/fd").count { name in
                var target = [CChar](repeating: 0, count: 256)
                return readlink("/proc/self/fd/\(name)", &target, target.count - 1) > 0
                    && strncmp(target, "/memfd:futures-shared", 21) == 0
            }
        }

        @Test("an initializer's arguments may be shared; replacements find them, too")
        func initializer() throws {
            let inline = InlineExecutor()
            func initializer() throws -> WorkerInitializer {
                try WorkerInitializer(setMarkFromShared, inline.share(CountedTable([77])))
            }
            try withPool(maxTasksPerChild: 1, initializer: try initializer()) { pool throws in
                for _ in 0..<3 { #expect(try pool.submit(readSharedMark).result() == 77) }
            }
        }

        @Test("a worker may give it on to a pool of its own")
        func below() throws {
            try withPool { pool throws in
                let bytes = try pool.share([UInt8](repeating: 1, count: 1000))
                #expect(try pool.submit(sumSharedBelow, bytes).result() == 1000)
            }
        }

        @Test("a map that was killed and goes on in another run knows a value that is shared again")
        func journaled() throws {
            let folder = TemporaryFolder()
            func run(_ numbers: [Int]) throws -> [Int] {
                try withPool { pool throws in
                    let table = try pool.share(CountedTable(numbers))
                    let journal = try MapJournal(at: folder.file("journal"))
                    let questions = (0..<10).map { Question(table: table, index: $0) }
                    return try pool.journaled(in: journal).map(answerQuestion, questions, bufferSize: 5).collect()
                }
            }
            #expect(try run(Array(0..<10)) == Array(0..<10))
            #expect(try run(Array(0..<10)) == Array(0..<10))
            #expect(throws: MapJournalError.self) { try run(Array(1...10)) }
        }

        @Test("in a program that may not be looked into it travels with its calls")
        func undumpable() throws {
            try Leftovers.check {
                let program = try ChildProgram(
                    BuildProducts.path(of: "test-worker"), ["undumpable"], capturesOutput: true)
                #expect(program.readToEnd() == "1000 1000 0\n")
                #expect(program.exitCode == 0)
            }
        }
    }
}
