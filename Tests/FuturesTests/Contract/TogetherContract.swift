import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Many executors, maps and futures at the same time.
    @Suite struct TogetherContract {
        @Test(
            "ten executors at once, each with its own workers, waited for together", .proves(.S1, .W1, .W5),
            arguments: ExecutorKind.allCases)
        func tenExecutors(kind: ExecutorKind) throws {
            try withExecutors(Array(repeating: kind, count: 10)) { executors in
                var futures: [[Future<Int>]] = Array(repeating: [], count: 10)
                for number in 0..<20 {
                    for (index, executor) in executors.enumerated() {
                        futures[index].append(try executor.submit(add, index * 1000, number))
                    }
                }
                #expect(wait(futures.joined(), timeout: longTime).notDone.isEmpty)
                #expect(asCompleted(futures.joined()).map { $0 }.count == 200)
                for (index, some) in futures.enumerated() {
                    #expect(try some.map { try $0.result() } == (0..<20).map { index * 1000 + $0 })
                }
                if kind == .processes {
                    let workers = try executors.map { try $0.submit(processID).result(timeout: longTime) }
                    #expect(Set(workers).count == 10)
                }
            }
        }

        @Test(
            "a call may use another executor and wait for it, in blocking and in async code", .proves(.S1, .T4),
            arguments: ExecutorKind.local, ExecutorKind.allCases)
        func nested(outer: ExecutorKind, inner: ExecutorKind) throws {
            try withExecutors([outer, inner]) { executors in
                let local = try #require(executors[0] as? any LocalExecutor)
                let other = executors[1]
                let blocked = try (0..<20).map { number in
                    try local.submit {
                        let sums = try other.map(add, 0..<5, repeatElement(number, count: 5)).collect()
                        return try other.submit(increment, sums[4]).result(timeout: longTime)
                    }
                }
                #expect(try blocked.map { try $0.result(timeout: longTime) } == (5..<25).map { $0 })
                let suspended = try (0..<20).map { number in
                    try local.submit { () async throws -> Int in
                        async let sum = other.submit(add, number, 2).value
                        let last = try await other.map(increment, [number, number]).collect()[1]
                        return try await sum + last
                    }
                }
                #expect(try suspended.map { try $0.result(timeout: longTime) } == (0..<20).map { 2 * $0 + 3 })
            }
        }

        @Test(
            "many maps at once, their results taken in turn", .proves(.M1, .M2), arguments: ExecutorKind.allCases)
        func mapsInTurn(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let maps = try (0..<12).map { number in
                    let numbers = 1000 * number..<1000 * number + 100
                    return switch number % 3 {
                    case 0: try executor.map(increment, numbers, chunkSize: 1 + number)
                    case 1: try executor.map(increment, numbers, chunkSize: number, bufferSize: 2 * number)
                    default: try executor.map(increment, numbers, chunkSize: .automatic, bufferSize: 10)
                    }
                }
                for index in 0..<100 {
                    for (number, results) in maps.enumerated() {
                        let result = try results.next()
                        #expect(result == 1000 * number + index + 1)
                    }
                }
                for results in maps { #expect(try results.next() == nil) }
            }
        }

        @Test(
            "threads and tasks that map with one executor get their own results", .proves(.M1, .M8),
            arguments: ExecutorKind.allCases)
        func mapsSideBySide(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor in
                let wrong = Mutex<[String]>([])
                let threads = TestThreads()
                for number in 0..<6 {
                    threads.start {
                        let numbers = number * 1000..<number * 1000 + 200
                        do {
                            let ordered = try executor.map(increment, numbers, chunkSize: 7).collect()
                            let unordered = try executor.mapUnordered(increment, numbers, bufferSize: 20).collect()
                            let right = ordered == numbers.map { $0 + 1 } && unordered.sorted() == ordered
                            if !right { wrong.withLock { $0.append("thread \(number)") } }
                        } catch {
                            wrong.withLock { $0.append("thread \(number): \(error)") }
                        }
                    }
                }
                try await withThrowingTaskGroup(of: [Int].self) { group in
                    for number in 0..<6 {
                        group.addTask {
                            let input = AsyncNumbers(upTo: 100)
                            let numbers = number * 1000..<number * 1000 + 100
                            let sums = try await executor.map(add, input, AsyncNumbers(), chunkSize: 3, bufferSize: 9)
                                .collect()
                            let more = try await executor.map(increment, numbers, chunkSize: .automatic).collect()
                            return zip(sums, more).map { $1 - $0 - number * 1000 }
                        }
                    }
                    for try await differences in group { #expect(differences == (0..<100).map { 1 - $0 }) }
                }
                threads.join()
                wrong.withLock { #expect($0.isEmpty, "\($0)") }
            }
        }

        @Test(
            "futures completed by hand and calls are waited for together", .proves(.W1, .W2, .W4, .F14),
            arguments: ExecutorKind.pools)
        func handMade(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let call = try executor.submit(increment, 1)
                let (number, text, nothing) = (Future<Int>(), Future<String>(), Future<Void>())
                let all: [AnyFuture] = [number, held.future, text, call, nothing, number]
                let threads = TestThreads()
                let seen = Mutex<Set<AnyFuture>>([])
                threads.start {
                    let done = wait(all, timeout: longTime).done
                    seen.withLock { $0 = done }
                }
                let completed = asCompleted(all, timeout: longTime)
                #expect(wait(all, timeout: .zero, returnWhen: .firstCompleted).done.isEmpty)
                #expect(try number.setRunningOrNotifyCancel())
                #expect(wait(all, timeout: .zero, returnWhen: .firstCompleted).done.isEmpty)
                #expect(nothing.cancel())
                #expect(try completed.next() === nothing)
                #expect(wait(all, timeout: longTime, returnWhen: .firstCompleted).done == [nothing])
                try number.setResult(1)
                #expect(try completed.next() === number)
                #expect(wait(all, timeout: .zero, returnWhen: .firstException).done == [nothing, number])
                try text.setException(Refused(code: 1))
                #expect(try completed.next() === text)
                let failed = wait(all, timeout: longTime, returnWhen: .firstException)
                #expect(failed.done == [nothing, number, text] && failed.notDone == [held.future, call])
                held.letGo()
                #expect(try completed.next() === held.future)
                #expect(try completed.next() === call)
                #expect(try completed.next() == nil)
                threads.join()
                #expect(seen.withLock { $0 } == Set(all))
            }
        }

        @Test(
            "tasks that race for the results of a map get each once, and all come to its end", .proves(.M1, .M8),
            arguments: ExecutorKind.allCases, [true, false])
        func racingTasks(kind: ExecutorKind, unordered: Bool) async throws {
            try await kind.withExecutor { executor in
                let results =
                    unordered
                    ? try executor.mapUnordered(increment, AsyncNumbers(upTo: 400), chunkSize: 3, bufferSize: 30)
                    : try executor.map(increment, 0..<400, chunkSize: 3, bufferSize: 30)
                try await withThrowingTaskGroup(of: [Int].self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var seen: [Int] = []
                            for try await result in results { seen.append(result) }
                            return seen
                        }
                    }
                    let all = try await group.reduce(into: []) { $0 += $1 }
                    #expect(all.sorted() == Array(1...400))
                }
            }
        }

        @Test(
            "threads and tasks that share one asCompleted get each future once, and all come to its end",
            .proves(.W5, .W7), arguments: ExecutorKind.allCases)
        func sharedCompletions(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor in
                let futures = try (0..<500).map { try executor.submit(increment, $0) }
                let completed = asCompleted(futures, timeout: longTime)
                let seen = Mutex<[Future<Int>]>([])
                let threads = TestThreads()
                for _ in 0..<3 {
                    threads.start {
                        while let future = try? completed.next() { seen.withLock { $0.append(future) } }
                    }
                }
                let byTasks = try await withThrowingTaskGroup(of: [Future<Int>].self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            var seen: [Future<Int>] = []
                            for try await future in completed { seen.append(future) }
                            return seen
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                threads.join()
                let all = byTasks + seen.withLock { $0 }
                #expect(all.count == 500 && Set(all) == Set(futures))
            }
        }

        @Test(
            "waits that race with the completion of what they wait for end", .proves(.W2, .F9),
            arguments: ExecutorKind.allCases)
        func racingWaits(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                for _ in 0..<30 {
                    let futures = try (0..<60).map { try executor.submit(increment, $0) }
                    let first = wait(futures, timeout: longTime, returnWhen: .firstCompleted)
                    #expect(!first.done.isEmpty)
                    #expect(wait(first.notDone, timeout: longTime, returnWhen: .firstException).notDone.isEmpty)
                    let last = try (0..<60).map { try executor.submit(increment, $0) }
                    #expect(wait(last, timeout: longTime).notDone.isEmpty)
                }
            }
        }

        @Test(
            "asCompleted over thousands of calls and futures by hand gives each once", .proves(.W5, .W7),
            arguments: ExecutorKind.allCases)
        func thousands(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor in
                for isBlocking in [true, false] {
                    let calls = try (0..<3000).map { try executor.submit(increment, $0) }
                    let others = (0..<1000).map { _ in Future<Int>() }
                    let all = calls + others + calls
                    let threads = TestThreads()
                    threads.start {
                        for (number, future) in others.enumerated() {
                            if number % 3 == 0 { future.cancel() } else { _ = try? future.setResult(-1) }
                        }
                    }
                    var seen: Set<AnyFuture> = []
                    var count = 0
                    if isBlocking {
                        blocking {
                            for future in asCompleted(all) {
                                #expect(future.isDone)
                                seen.insert(future)
                                count += 1
                            }
                        }
                    } else {
                        for try await future in asCompleted(all, timeout: longTime) {
                            #expect(future.isDone)
                            seen.insert(future)
                            count += 1
                        }
                    }
                    threads.join()
                    #expect(count == 4000 && seen == Set(all))
                }
            }
        }
    }
}
