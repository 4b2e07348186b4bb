import TestSupport
import Testing

@testable import Futures

@Suite struct AsCompletedTests {
    @Test("what is done comes first, then the others in order of completion, each once", .proves(.W5))
    func order() throws {
        let futures = (0..<5).map { _ in Future<Int>() }
        futures[3].fulfil(3)
        futures[1].cancel()
        var given: [Future<Int>] = []
        // Each one given completes the next.
        var order = [4, 0, 2].makeIterator()
        for future in asCompleted(futures + futures) {
            given.append(future)
            if given.count >= 2, let next = order.next() { futures[next].fulfil(next) }
        }
        #expect(given == [1, 3, 4, 0, 2].map { futures[$0] })
    }

    @Test("a blocked thread gets each future as it completes", .proves(.W5, .W7))
    func blocked() throws {
        let number = Future<Int>()
        let text = Future<String>()
        let threads = TestThreads()
        let seen = Gate()
        threads.start {
            for future in asCompleted([number, text]) {
                #expect(future.isDone)
                seen.open()
            }
            seen.open()
        }
        try spin { number.hasObservers && text.hasObservers }
        text.fulfil("")
        try seen.wait()
        number.cancel()
        try seen.wait(2)
        threads.join()
    }

    @Test("the same as an async sequence", .proves(.W5, .W7))
    func asynchronous() async throws {
        let futures = (0..<100).map { _ in Future<Int>() }
        let task = Task {
            var values: [Int] = []
            for try await future in asCompleted(futures) { values.append(try await future.value) }
            return values
        }
        let order = futures.indices.shuffled()
        try await spin { futures.allSatisfy { $0.hasObservers } }
        for index in order { futures[index].fulfil(index) }
        #expect(try await task.value == order)
    }

    @Test("the clock starts at the call; what is there comes also late; only waiting past it throws", .proves(.W5))
    func timeouts() async throws {
        let futures = (0..<3).map { _ in Future<Int>() }
        let asynchronous = asCompleted(futures, timeout: .zero)
        try blocking {
            let completed = asCompleted(futures, timeout: .milliseconds(1))
            futures[2].fulfil(2)
            try spin { wait([futures[0]], timeout: .milliseconds(2)).done.isEmpty }
            #expect(try completed.next() === futures[2])
            let error = try #require(throws: TimeoutError.self) { try completed.next() }
            #expect(error.unfinished == 2)
            #expect(error.total == 3)
            #expect("\(error)" == "2 of 3 futures were unfinished after 0.001 seconds")
            futures[0].fulfil(0)
            futures[1].fulfil(1)
            #expect(try completed.next() === futures[0])
            #expect(try completed.next() === futures[1])
            #expect(try completed.next() == nil)
        }
        var iterator = asynchronous.makeAsyncIterator()
        #expect(try await iterator.next() === futures[2])
        #expect(try await iterator.next() === futures[0])
        let pending = Future<Int>()
        await #expect(throws: TimeoutError.self) {
            for try await _ in asCompleted([pending], timeout: .milliseconds(5)) {}
        }
    }

    @Test("the time before the first future is asked for counts, in blocking and in async code", .proves(.W5, .W7))
    func timeBeforeTheFirst() async {
        let pending = [Future<Int>()]
        let timeout = Duration.seconds(1)
        let completed = asCompleted(pending, timeout: timeout)
        let asynchronous = asCompleted(pending, timeout: timeout)
        // It begins after both, so that their time is up with its own.
        let done = await wait(pending, timeout: timeout).done
        #expect(done.isEmpty)
        // A clock that started with the first one would take all of the time once more.
        blocking {
            let start = ContinuousClock.now
            #expect(throws: TimeoutError.self) { try completed.next() }
            let time = ContinuousClock.now - start
            #expect(time < timeout, "it took \(time)")
        }
        let start = ContinuousClock.now
        await #expect(throws: TimeoutError.self) { for try await _ in asynchronous {} }
        let time = ContinuousClock.now - start
        #expect(time < timeout, "it took \(time)")
    }

    @Test("abandoning it detaches from the futures and cancels nothing", .proves(.W6))
    func abandoned() throws {
        let futures = (0..<3).map { _ in Future<Int>() }
        futures[0].fulfil(0)
        blocking {
            for future in asCompleted(futures) {
                #expect(future === futures[0])
                #expect(futures[1].hasObservers && futures[2].hasObservers)
                break
            }
        }
        #expect(futures[1...].allSatisfy { $0.state == .pending && !$0.hasObservers })
        futures[1].fulfil(1)
    }

    @Test("a task that leaves its loop detaches from the futures and cancels nothing", .proves(.W6, .W7))
    func abandonedByTask() async throws {
        let (done, pending) = (Future<Int>(), Future<Int>())
        done.fulfil(1)
        // What it has is dropped when it returns.
        func takeFirst() async throws {
            for try await future in asCompleted([done, pending]) {
                #expect(future === done)
                #expect(pending.hasObservers)
                break
            }
        }
        try await takeFirst()
        #expect(pending.state == .pending && !pending.hasObservers)
        #expect(pending.fulfil(2))
    }

    @Test("it keeps no reference to futures already given", .proves(.W6))
    func releases() throws {
        weak var given: Future<Int>?
        let last = Future<Int>()
        let completed: CompletedFutures<Future<Int>>
        do {
            let first = Future<Int>()
            completed = asCompleted([first, last])
            first.fulfil(1)
        }
        do {
            let future = try completed.next()
            given = future
            #expect(future?.isDone == true)
        }
        #expect(given == nil)
        last.cancel()
        #expect(try completed.next() === last)
        #expect(try completed.next() == nil)
    }

    @Test("nor does it when a task iterates", .proves(.W6, .W7))
    func releasesToTask() async throws {
        weak var given: Future<Int>?
        let last = Future<Int>()
        let completed: CompletedFutures<Future<Int>>
        do {
            let first = Future<Int>()
            completed = asCompleted([first, last])
            first.fulfil(1)
        }
        var iterator = completed.makeAsyncIterator()
        do {
            let future = try await iterator.next()
            given = future
            #expect(future?.isDone == true)
        }
        #expect(given == nil)
        last.cancel()
        #expect(try await iterator.next() === last)
        #expect(try await iterator.next() == nil)
    }

    @Test("cancelling the consuming task ends its wait, and cancels no future", .proves(.W7))
    func taskCancellation() async throws {
        let future = Future<Int>()
        let task = Task { for try await _ in asCompleted([future]) {} }
        try await spin { future.hasObservers }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(future.state == .pending)
        #expect(!future.hasObservers)
    }
}
