import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// What worker processes are at, for who watches a map.
    @Suite struct MapProgressTests {
        private let folder = TemporaryFolder()

        @Test("an element says what it is at; its chunk's elements count one by one")
        func reports() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let texts = ["reading über", "", "writing"]
                let results = try pool.map(
                    reportAndMeet, Array(repeating: folder.path, count: 3), 0..<3, texts, chunkSize: 3)
                let progress = results.progress()
                for number in 0..<3 {
                    try folder.waitFor("runs \(number)")
                    let now = progress.current
                    #expect(now.done == number && now.failed == 0 && now.total == 3 && now.submitted == 3)
                    let worker = try #require(now.workers.first)
                    let call = try #require(worker.call)
                    #expect(now.workers.count == 1 && !worker.isLeaving)
                    #expect(call.functionName == "report_and_meet" && call.runningTime > .zero)
                    #expect(call.elements?.count == 3 && call.elements?.done == number && call.elements?.failed == 0)
                    // What an element has said is not the next one's.
                    #expect(call.report?.fraction == (number == 1 ? nil : 0.5))
                    #expect(call.report?.message == (number == 1 ? nil : texts[number]))
                    #expect(pool.workerActivity.map(\.processID) == [worker.processID])
                    folder.write("", to: "go \(number)")
                }
                #expect(try results.collect() == [0, 1, 2])
                try spin { pool.workerActivity.first?.call == nil }
                #expect(pool.workerActivity.count == 1)
                pool.shutdown()
                #expect(pool.workerActivity.isEmpty)
            }
        }

        @Test("calls of others are seen, and not counted; a single call reports, too")
        func others() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let other = try pool.submit(reportAndMeet, folder.path, 0, "a call of its own")
                let results = try pool.map(increment, 0..<10, chunkSize: 5)
                let progress = results.progress()
                try folder.waitFor("runs 0")
                let now = progress.current
                #expect(now.done == 0 && now.submitted == 10)
                #expect(now.workers.first?.call?.elements == nil)
                #expect(now.workers.first?.call?.report?.message == "a call of its own")
                folder.write("", to: "go 0")
                #expect(try other.result(timeout: longTime) == 0)
                #expect(try results.collect().count == 10)
                pool.shutdown()
            }
        }

        /// - Parameter held: workers that may go on once somebody counts.
        private func end(of results: MapResults<Int>, lettingGo held: HeldWorker...) throws -> MapProgress {
            let progress = results.progress(every: .milliseconds(1))
            for worker in held { worker.letGo() }
            let values = try valuesUntilTheEnd(of: progress)
            for (before, now) in zip(values, values.dropFirst()) { #expect(now.done >= before.done) }
            return try #require(values.last)
        }

        @Test("another try counts as one, and the element once", arguments: [true, false], [1, 4])
        func retries(kills: Bool, chunkSize: Int) throws {
            try Leftovers.check {
                let policy = RetryPolicy(crashes: 1, errors: 1, backoff: .none)
                let pool = try makePool(onWorkerLoss: .retry(policy))
                var paths = Array(repeating: "", count: 12)
                paths[5] = folder.file("once")
                paths[9] = folder.file("twice")
                // What was tried again before anybody counts is not counted.
                let (first, second) = (try HeldWorker(pool), try HeldWorker(pool))
                let results = try pool.map(failOnce, paths, repeatElement(kills, count: 12), chunkSize: chunkSize)
                let last = try end(of: results, lettingGo: first, second)
                #expect(last.retried == 2 && last.done == 12 && last.failed == 0 && last.submitted == 12)
                #expect(try results.collect().count == 12)
                pool.shutdown()
            }
        }

        @Test(
            "a worker that is killed in the middle costs its element, and nothing is counted twice", arguments: [1, 4])
        func killed(chunkSize: Int) throws {
            try Leftovers.check {
                let pool = try makePool(onWorkerLoss: .failTask)
                var paths = Array(repeating: "", count: 12)
                paths[5] = folder.file("once")
                let results = try pool.map(failOnce, paths, repeatElement(true, count: 12), chunkSize: chunkSize)
                let last = try end(of: results)
                #expect(last.retried == 0 && last.done == 12 && last.failed == 1 && last.submitted == 12)
                pool.shutdown()
            }
        }

        @Test("a broken pool fails the rest, and ends it")
        func broken() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let held = try HeldWorker(pool)
                let results = try pool.map(failOnce, ["", folder.file("once"), "", ""], repeatElement(true, count: 4))
                let last = try end(of: results, lettingGo: held)
                #expect(last.done == 4 && last.failed == 3 && last.submitted == 4)
                #expect(try results.next() == 1)
                pool.shutdown()
            }
        }

        @Test("what comes out of a journal is done, and was not computed now")
        func journaled() throws {
            try Leftovers.check {
                let pool = try makePool()
                for round in 0..<2 {
                    let journal = try MapJournal(
                        at: folder.file("journal"), mode: round == 0 ? .new : .resume, retriesFailures: false)
                    let results = try pool.journaled(in: journal).map(increment, 0..<100, chunkSize: 10)
                    let last = try end(of: results)
                    #expect(last.done == 100 && last.resumed == round * 100 && last.total == 100 && last.failed == 0)
                    #expect((last.rate > 0) == (round == 0))
                    #expect(try results.collect() == Array(1...100))
                }
                pool.shutdown()
            }
        }

        @Test("elements of a journaled chunk count one by one, too, and tries are told")
        func journaledChunk() throws {
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 1, onWorkerLoss: .retry(RetryPolicy(crashes: 1, backoff: .none)))
                let journal = try MapJournal(at: folder.file("journal"), mode: .new, retriesFailures: false)
                let folders = Array(repeating: folder.path, count: 2)
                let results = try pool.journaled(in: journal).map(
                    reportAndMeet, folders, 0..<2, ["", ""], chunkSize: 2)
                let progress = results.progress()
                folder.write("", to: "go 0")
                try folder.waitFor("runs 1")
                #expect(progress.current.done == 1)
                #expect(progress.current.workers.first?.call?.elements?.count == 2)
                let worker = try #require(progress.current.workers.first)
                kill(worker.processID, SIGKILL)
                try spin { progress.current.retried == 1 }
                folder.write("", to: "go 1")
                #expect(try results.collect() == [0, 1])
                pool.shutdown()
            }
        }

        /// What a worker may leave where its report is; 1 for what is there.
        private static let scribbles: [[UInt64]] = [
            [7],  // being written for ever
            [1, .max],  // another task
            [1, 1, 1, .max],  // another element
            [1, 1, 1, 1, Double.nan.bitPattern],
            [1, 1, 1, 1, (-Double.infinity).bitPattern],
            [1, 1, 1, 1, Double.infinity.bitPattern],
            [1, 1, 1, 1, 1, .max],  // a text that is longer than there is room
            [1, 1, 1, 1, 1, 64] + [UInt64](repeating: 0x0A1B_5B33_316D_FF00, count: 8),  // escapes, and no UTF-8
            [1, 1, 1, 1, 1, 120] + [UInt64](repeating: .max, count: 15),
        ]

        @Test("whatever a worker leaves in its report, it is a fraction from 0 to 1, and text that does no harm")
        func hostile() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                for (number, words) in Self.scribbles.enumerated() {
                    let call = try pool.submit(scribbleAndMeet, folder.path, number, words)
                    try folder.waitFor("runs \(number)")
                    let activity = try #require(pool.workerActivity.first?.call)
                    #expect(activity.functionName == "scribble_and_meet")
                    if number < 3 { #expect(activity.report == nil) } else { #expect(activity.report != nil) }
                    if let fraction = activity.report?.fraction { #expect((0...1).contains(fraction)) }
                    if number == 3 { #expect(activity.report?.fraction == nil) }
                    let text = activity.report?.message ?? ""
                    #expect(text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 })
                    #expect(text.unicodeScalars.count <= CallReport.longestMessage)
                    folder.write("", to: "go \(number)")
                    #expect(try call.result(timeout: longTime) == number)
                }
                pool.shutdown()
            }
        }

        @Test("outside of a worker a report is nothing, and its text is not made")
        func elsewhere() throws {
            let pool = try ThreadPoolExecutor(maxWorkers: 1)
            let wasMade = try pool.submit {
                var wasMade = false
                func text() -> String {
                    wasMade = true
                    return "never"
                }
                RunningCall.reportProgress(fraction: 0.5, text())
                return wasMade
            }
            #expect(try wasMade.result(timeout: longTime) == false)
            pool.shutdown()
        }

        @Test("looking while calls come and go, reporting without a pause, shows whole reports only")
        func torn() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let texts = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbb", ""]
                let calls = try (0..<60).map { try pool.submit(reportOften, 2_000, texts[$0 % 3]) }
                var seen: Set<String> = []
                try spin {
                    if let report = pool.workerActivity.first?.call?.report { seen.insert(report.message) }
                    return calls.allSatisfy { $0.isDone }
                }
                #expect(seen.isSubset(of: texts) && !seen.isEmpty)
                pool.shutdown()
            }
        }
    }
}
