import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Arguments and results of every kind, and how long they are kept.
    @Suite struct ValueContract {
        /// Sends values there and back, each alone and all in maps.
        private func goThrough<Value: Equatable & Sendable>(
            _ executor: any Executor, _ callable: Callable<Value, Value>, _ values: [Value],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            for value in values {
                let result = try executor.submit(callable, value).result(timeout: longTime)
                #expect(result == value, sourceLocation: sourceLocation)
            }
            for chunkSize in [1, 3] {
                let results = try executor.map(callable, values, chunkSize: chunkSize).collect()
                #expect(results == values, sourceLocation: sourceLocation)
            }
        }

        @Test(
            "optionals, nested collections, texts and numbers come back as they were", .proves(.S1, .M1),
            arguments: ExecutorKind.allCases)
        func types(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                try goThrough(executor, echoOptional, [nil, 0, -1, .min, .max])
                try goThrough(executor, echoNestedOptional, [.none, .some(.none), .some(.some(3))])
                try goThrough(executor, echoOptionals, [[], [nil], ["", nil, "a", nil]])
                try goThrough(executor, echoMatrix, [[], [[]], [[1, 2], [], [3]], [Array(0..<1000)]])
                try goThrough(executor, echoCube, [[], [[[]]], [[[1.5], []], [[-0.0, .infinity]]]])
                try goThrough(executor, echoTable, [[:], ["": []], ["one": [1], "ü": [1, 2, 3]]])
                try goThrough(executor, echoByNumber, [[:], [-1: [:], 7: ["yes": true, "no": false]]])
                try goThrough(executor, echoSet, [[], ["a"], ["a", "b", "c"]])
                try goThrough(
                    executor, echoText, ["", "a\0b", "日本語 👩‍👩‍👧 e\u{301}", String(repeating: "ü", count: 70_000)])
                try goThrough(executor, echoWide, [0, 1, 1 << 63, .max])
                try goThrough(
                    executor, echoShape,
                    [
                        .point, .circle(radius: 2),
                        .group(name: nil, [.point, .group(name: "inner", [.circle(radius: 1)])]),
                    ])
                try goThrough(executor, echoNothing, [Nothing(), Nothing()])
                let numbers: [Double] = [.nan, -.nan, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
                for number in numbers {
                    let result = try executor.submit(echoDouble, number).result(timeout: longTime)
                    #expect(result.bitPattern == number.bitPattern)
                }
            }
        }

        @Test(
            "calls without a result succeed, alone and in maps", .proves(.S1, .M1), arguments: ExecutorKind.allCases)
        func void(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let future = try executor.submit(discard, 1)
                try future.result(timeout: longTime)
                #expect(try future.exception() == nil)
                #expect("\(future)" == "<Future of \"discard\": finished, returned ()>")
                for chunkSize in [1, 4] {
                    let results = try executor.map(discard, 0..<10, chunkSize: chunkSize)
                    #expect(try results.collect().count == 10)
                    let unordered = try executor.mapUnordered(discard, 0..<10, chunkSize: chunkSize)
                    #expect(try unordered.collect().count == 10)
                }
            }
        }

        @Test("an error may be a result like any other", .proves(.F6, .F7), arguments: ExecutorKind.allCases)
        func errorAsResult(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let future = try executor.submit(echoError, Refused(code: 3))
                #expect(try future.exception(timeout: longTime) == nil)
                #expect(try future.result() == Refused(code: 3))
            }
        }

        @Test("ten arguments, each in its place", .proves(.S1, .M1), arguments: ExecutorKind.allCases)
        func tenArguments(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let future = try executor.submit(
                    tellTen, 1, "two", 3.5, true, [5, 5], nil, ["seven": 7], 8, [["nine"], []], .circle(radius: 10))
                #expect(
                    try future.result(timeout: longTime) == [
                        "1", "two", "3.5", "true", "[5, 5]", "nil", "[\"seven=7\"]", "8", "[[\"nine\"], []]",
                        "circle(radius: 10.0)",
                    ])
                let weights = (1...10).reduce(0) { $0 + $1 * $1 }
                #expect(
                    try executor.submit(weighTen, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).result(timeout: longTime) == weights)
                for chunkSize in [1, 7] {
                    let ones = repeatElement(1, count: 1000)
                    let results = try executor.map(
                        weighTen, 0..<20, ones, ones, ones, ones, ones, ones, ones, ones, 0..<50, chunkSize: chunkSize)
                    #expect(try results.collect() == (0..<20).map { $0 + (2...9).reduce(0, +) + 10 * $0 })
                }
            }
        }

        @Test(
            "arguments are let go of when a call is over, also where nobody holds its future", .proves(.P11),
            arguments: ExecutorKind.allCases)
        func releases(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                for number in 0..<20 { _ = try executor.submit(echoToken, Token(number)) }
                try spin { Token.count == 0 }
                // Whoever holds a future holds its result, and no argument.
                let future = try executor.submit(countTokens, Token(1))
                _ = try future.result(timeout: longTime)
                try spin { Token.count == 0 }
                let result = try executor.submit(echoToken, Token(1))
                #expect(try result.result(timeout: longTime).number == 1)
                try spin { Token.count == 1 }
                #expect(try result.result().number == 1)
            }
            #expect(Token.count == 0)
        }

        @Test(
            "a cancelled call's arguments are let go of at once", .proves(.F3), arguments: ExecutorKind.pools)
        func cancelledArguments(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<20).map { try executor.submit(echoToken, Token($0)) }
                for future in futures { #expect(future.cancel()) }
                #expect(Token.count == 0)
                held.letGo()
            }
        }
    }
}
