import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Maps that go on where they stopped.
    @Suite struct MapJournalTests {
        private let folder = TemporaryFolder()
        private var path: String { folder.file("journal") }
        /// The elements that were run, in any order, from `appendLine`.
        private var runs: [Int] {
            ProcFiles.lines(of: folder.file("runs")).compactMap { Int($0) }.sorted()
        }

        private func withPool<R>(_ body: (ProcessPoolExecutor) throws -> R) throws -> R {
            // The journal's thread, which ends on its own, may be about to let go of the last part and with it of the pool.
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(onWorkerLoss: .failTask))
                defer { pool.shutdown() }
                return try body(pool)
            }
        }

        private func note(
            _ numbers: Range<Int>, in pool: any Executor, chunkSize: some ChunkSize = 7, bufferSize: Int? = nil
        ) throws -> MapResults<Int> {
            let paths = repeatElement(folder.file("runs"), count: .max)
            guard let bufferSize else {
                return try pool.map(appendLine, Array(paths.prefix(numbers.count)), numbers, chunkSize: chunkSize)
            }
            return try pool.map(appendLine, paths, numbers, chunkSize: chunkSize, bufferSize: bufferSize)
        }

        @Test("what is in the journal is not run again, whatever the chunks, the buffer and the executor")
        func resumed() throws {
            try withPool { pool in
                do {
                    let journal = try MapJournal(at: path, mode: .new)
                    #expect(try note(0..<100, in: pool.journaled(in: journal)).collect() == Array(0..<100))
                    #expect(journal.finishedElements == 100)
                    // The same journal, still open.
                    #expect(
                        try note(0..<100, in: pool.journaled(in: journal), chunkSize: 1).collect() == Array(0..<100))
                }
                #expect(runs == Array(0..<100))
                let before = ProcFiles.bytes(of: path)
                #expect(throws: MapJournalError.exists(path: path)) { try MapJournal(at: path, mode: .new) }
                #expect(ProcFiles.bytes(of: path) == before)
                let threads = try ThreadPoolExecutor(maxWorkers: 2)
                for executor in [pool, threads, InlineExecutor()] as [any Executor] {
                    let journal = try MapJournal(at: path)
                    let again = executor.journaled(in: journal)
                    #expect(try note(0..<100, in: again, chunkSize: .automatic).collect() == Array(0..<100))
                    #expect(try note(0..<100, in: again, chunkSize: 3, bufferSize: 5).collect() == Array(0..<100))
                    let more = try note(0..<107, in: again, chunkSize: 50, bufferSize: 60)
                    #expect(try more.collect() == Array(0..<107))
                }
                threads.shutdown()
                #expect(runs == Array(0..<107))
            }
        }

        @Test("a map that was ended early goes on; an asynchronous input, too, and without order")
        func endedEarly() async throws {
            try await Leftovers.check {
                try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
                    // Kept open: what was running when a round was ended is still to come into it.
                    let journal = try MapJournal(at: path)
                    var finished = 0
                    for round in 1...30 {
                        #expect(journal.finishedElements >= finished)
                        finished = journal.finishedElements
                        let executor = pool.journaled(in: journal)
                        let (file, numbers) = (
                            folder.file("runs"),
                            AsyncStream { stream in
                                for number in 0..<300 { stream.yield(number) }
                                stream.finish()
                            }
                        )
                        let paths = AsyncStream { file }
                        var taken: [Int] = []
                        let results =
                            round % 2 == 0
                            ? try executor.map(appendLine, paths, numbers, chunkSize: round % 9 + 1, bufferSize: 40)
                            : try executor.mapUnordered(appendLine, paths, numbers, chunkSize: 4, bufferSize: 40)
                        for try await element in results.indexedOutcomes {
                            #expect(try element.outcome.get() == element.index)
                            taken.append(element.index)
                            if taken.count == round * 13 { break }
                        }
                        #expect(Set(taken).count == taken.count)
                        if journal.finishedElements == 300 { break }
                    }
                    #expect(journal.finishedElements == 300)
                }
                // What was ahead at the end of a round may have been begun again before it was in the journal.
                #expect(Set(runs) == Set(0..<300))
                #expect(runs.count <= 300 + 30 * 40)
            }
        }

        @Test("cut at random bytes it gives the same results, and runs what is not in it", arguments: 0..<12)
        func cut(seed: Int) throws {
            var random = SplitMix(seed: UInt64(seed))
            try withPool { pool in
                _ = try note(0..<60, in: pool.journaled(in: MapJournal(at: path)), chunkSize: 4).collect()
                let whole = try #require(ProcFiles.bytes(of: path))
                let length = Int.random(in: 0..<whole.count, using: &random)
                _ = folder.write(whole[..<length], to: "journal")
                let journal = try MapJournal(at: path)
                let missing = 60 - journal.finishedElements
                #expect(
                    try note(0..<60, in: pool.journaled(in: journal), chunkSize: .automatic).collect() == Array(0..<60))
                #expect(runs.count == 60 + missing)
            }
        }

        @Test("an entry that is damaged in the middle is run again")
        func damaged() throws {
            try withPool { pool in
                _ = try note(0..<60, in: pool.journaled(in: MapJournal(at: path)), chunkSize: 30).collect()
                var bytes = try #require(ProcFiles.bytes(of: path))
                bytes[bytes.count / 2 - 20] ^= 255
                _ = folder.write(bytes[...], to: "journal")
                let journal = try MapJournal(at: path)
                #expect(journal.finishedElements == 30)
                #expect(try note(0..<60, in: pool.journaled(in: journal)).collect() == Array(0..<60))
                #expect(runs.count == 90)
            }
        }

        @Test("failures come from the journal, with their types if they are named, or are run again if that is wanted")
        func failures() throws {
            try withPool { pool in
                let codes = [0, 3, 0, 4, 0, 5, 0]
                func outcomes(_ journal: MapJournal, _ codes: [Int]) throws -> [Int?] {
                    let outcomes = try pool.journaled(in: journal).map(refuse, codes, chunkSize: 3).outcomes
                    var all: [Int?] = []
                    while let outcome = try outcomes.next() {
                        switch outcome {
                        case .success(let value): all.append(value)
                        case .failure(let error): all.append((error as? Refused).map { -$0.code })
                        }
                    }
                    return all
                }
                let expected = [0, -3, 0, -4, 0, -5, 0]
                #expect(try outcomes(MapJournal(at: path), codes) == expected)
                #expect(try outcomes(MapJournal(at: path), codes) == expected)
                // Files that say so let them pass.
                let gates = (0..<6).map { folder.file("gate\($0)") }
                func gated(_ journal: MapJournal) throws -> [Bool] {
                    let outcomes = try pool.journaled(in: journal).map(appendIfThere, gates, chunkSize: 2).outcomes
                    var all: [Bool] = []
                    while let outcome = try outcomes.next() { all.append((try? outcome.get()) != nil) }
                    return all
                }
                let other = folder.file("other")
                for open in [[1, 4], [5], [0, 2, 3]] {
                    for gate in open { _ = folder.write("", to: "gate\(gate)") }
                    _ = try gated(MapJournal(at: other, retriesFailures: true))
                }
                #expect(try gated(MapJournal(at: other)) == Array(repeating: true, count: 6))
                for gate in gates { #expect(ProcFiles.text(of: gate) == "1\n") }
            }
        }

        @Test("a chunk is resumed on threads, though not all of it may wait there at once; nothing is run twice")
        func resumesOnFewThreads() throws {
            let paths = (0..<4).map { folder.file("\($0)") }
            func counts(_ executor: some Executor, _ bufferSize: Int) throws -> [Int?] {
                let journal = try MapJournal(at: path, retriesFailures: true)
                let outcomes = try executor.journaled(in: journal).map(
                    throwFirst, paths, repeatElement(1, count: 4), repeatElement(7, count: 4), chunkSize: 4,
                    bufferSize: bufferSize, timeout: longTime
                ).outcomes
                return paths.map { _ in try? outcomes.next()?.get() }
            }
            let first = try withPool { try counts($0, 4) }
            #expect(first == [nil, nil, nil, nil])
            let threads = try ThreadPoolExecutor(maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 1))
            #expect(try counts(threads, 4) == [2, 2, 2, 2])
            threads.shutdown()
            for number in 0..<4 { #expect(try folder.lines(of: "\(number)").count == 2) }
        }

        @Test("a call of an earlier map that comes in late takes no result away")
        func lateCall() throws {
            let gate = Future<Int>()
            let calls = Mutex(0)
            let once = Callable("once") { (_: Int) -> Int in
                let number = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if number > 1 { return number }
                throw Refused(code: try gate.result(timeout: longTime))
            }
            let threads = try ThreadPoolExecutor(maxWorkers: 2)
            func useTwice() throws {
                let executor = threads.journaled(in: try MapJournal(at: path))
                let first = try executor.map(once, [0])
                try spin { calls.withLock { $0 } == 1 }
                #expect(try executor.map(once, [0]).collect() == [2])
                try gate.setResult(7)
                _ = try? first.collect()
            }
            try useTwice()
            #expect(try threads.journaled(in: MapJournal(at: path)).map(once, [0]).collect() == [2])
            threads.shutdown()
        }

        @Test("private errors come back in words, and a lost worker as what it was")
        func errorsInWords() throws {
            try withPool { pool in
                for _ in 0..<2 {
                    let lengths = try pool.journaled(in: MapJournal(at: path)).map(refuseAtLength, [5]).outcomes
                    let error = try #require(throws: RemoteError.self) { try lengths.next()?.get() }
                    #expect(error.functionName == refuseAtLength.name && !error.message.isEmpty, "\(error)")
                }
                let lost = folder.file("lost")
                for round in 0..<2 {
                    let outcomes = try pool.journaled(in: MapJournal(at: lost)).map(leave, [3]).outcomes
                    let error = try #require(throws: (any Error).self) { try outcomes.next()?.get() }
                    #expect(round == 0 ? error is WorkerLostError : error is RemoteError, "\(error)")
                    #expect("\(error)".contains("exited with code 3"), "\(error)")
                }
            }
        }

        @Test("what was cancelled or shut down is in no journal")
        func notFinished() throws {
            try withPool { pool in
                let go = folder.file("go")
                let results = try pool.journaled(in: MapJournal(at: path)).map(
                    awaitFile, ["/", "/", go, "/"], chunkSize: 2)
                #expect(try results.next() == 1)
                let second = try ProcessPoolExecutor(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker)
                let other = folder.file("other")
                let waiting = try second.journaled(in: MapJournal(at: other)).map(awaitFile, [go, go, go]).outcomes
                second.killWorkers()
                while let outcome = try waiting.next() { #expect(throws: (any Error).self) { try outcome.get() } }
                second.shutdown()
                #expect(try MapJournal(at: other).finishedElements == 0)
                // It stands in nobody's way, not even that of another function.
                let anew = try pool.journaled(in: MapJournal(at: other, mode: .new))
                #expect(try anew.map(appendLine, [folder.file("lines")], [7]).collect() == [7])
                close(open(go, O_CREAT | O_WRONLY, 0o600))
                #expect(try results.collect() == [1, 1, 1])
            }
        }

        @Test("a callback of the pool may wait for a journaled map, as for any other", .proves(.C4))
        func waitedForInCallback() throws {
            try withPool { pool in
                let journal = try MapJournal(at: path)
                let sums = Mutex<[Int]>([])
                let done = Gate()
                try pool.submit(increment, 1).addDoneCallback { _ in
                    let results = try? pool.journaled(in: journal).map(increment, 0..<10, timeout: longTime)
                    let sum = (try? results?.collect())?.reduce(0, +)
                    sums.withLock { $0.append(sum ?? -1) }
                    done.open()
                }
                try done.wait()
                let all = sums.withLock { $0 }
                #expect(all == [55])
            }
        }

        @Test("what is retried with a pool that cannot run it fails alone; the rest comes from the journal")
        func brokenWhileRetrying() throws {
            try Leftovers.check {
                func outcomes(_ pool: ProcessPoolExecutor, _ journal: MapJournal) throws -> [Bool] {
                    let outcomes = try pool.journaled(in: journal).map(refuse, [0, 5, 0], chunkSize: 3).outcomes
                    var all: [Bool] = []
                    while let outcome = try outcomes.next() { all.append((try? outcome.get()) != nil) }
                    return all
                }
                let pool = try makePool()
                #expect(try outcomes(pool, MapJournal(at: path)) == [true, false, true])
                pool.shutdown()
                let broken = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: WorkerCommand(executable: "/bin/false"))
                #expect(try outcomes(broken, MapJournal(at: path, retriesFailures: true)) == [true, false, true])
                broken.shutdown()
                #expect(try MapJournal(at: path).finishedElements == 3)
            }
        }

        @Test("entries that overlap others are left out, in whatever order they come")
        func overlaps() {
            func entry(_ range: Range<Int>) -> MapJournal.Entry {
                let place = JournalFile.Place(offset: range.count, length: 0, checksum: 0)
                return MapJournal.Entry(first: range.lowerBound, count: range.count, inputChecksum: 0, place: place)
            }
            var random = SplitMix(seed: 1)
            for _ in 0..<300 {
                var entries = MapJournal.Entries()
                var taken: [Range<Int>] = []
                for _ in 0..<40 {
                    let first = Int.random(in: 0..<100, using: &random)
                    let range = first..<first + Int.random(in: 1...9, using: &random)
                    let fits = taken.contains(range) || !taken.contains { $0.overlaps(range) }
                    #expect(entries.hasRoom(for: first, count: range.count) == fits)
                    entries.add(entry(range))
                    if fits, !taken.contains(range) { taken.append(range) }
                }
                #expect(entries.elementCount == taken.reduce(0) { $0 + $1.count })
                for element in 0..<110 {
                    #expect(entries[element]?.count == taken.first { $0.lowerBound == element }?.count)
                    #expect(entries.begin(behind: element) == taken.map(\.lowerBound).filter { $0 > element }.min())
                }
            }
        }

        @Test("another function, another input, and two maps at once are refused")
        func refused() throws {
            try withPool { pool in
                let inUse = try MapJournal(at: path)
                #expect(throws: MapJournalError.inUse(path: path)) { try MapJournal(at: path) }
                let executor = pool.journaled(in: inUse)
                _ = try executor.map(increment, 0..<20, chunkSize: 5).collect()
                let error = try #require(throws: MapJournalError.self) { try executor.map(refuse, 0..<20) }
                #expect(
                    "\(error)".contains("is of a map of increment(Swift.Int) -> Swift.Int, not of refuse("), "\(error)")
                let different = (0..<20).map { $0 == 13 ? 0 : $0 }
                #expect(throws: MapJournalError.otherInput(path: path, element: 10)) {
                    try executor.map(increment, different, chunkSize: 5)
                }
                let outcomes = try executor.map(increment, different, chunkSize: 5, bufferSize: 5).outcomes
                for number in 1...10 { #expect(try outcomes.next()?.get() == number) }
                #expect(throws: MapJournalError.otherInput(path: path, element: 10)) { try outcomes.next()?.get() }
                #expect(throws: MapJournalError.otherInput(path: path, element: 10)) {
                    try executor.map(increment, 0..<12, chunkSize: 5)
                }
                // Another map takes the journal over.
                let first = try executor.map(increment, 0..<20, bufferSize: 5).outcomes
                #expect(try executor.map(increment, 0..<20).collect() == Array(1...20))
                for number in 1...5 { #expect(try first.next()?.get() == number) }
                #expect(throws: MapJournalError.inUse(path: path)) { try first.next()?.get() }
                #expect(try first.next() == nil)
            }
        }
    }
}
