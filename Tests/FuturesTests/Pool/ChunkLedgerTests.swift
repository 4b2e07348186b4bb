import Testing
import Wire

@testable import Futures

/// Which elements of a chunk are finished, and in what order their outcomes come out.
struct ChunkLedgerTests {
    private struct Refusal: Error, Equatable { var number: Int }

    private func failures(_ indices: Int...) -> [(index: Int, error: any Error)] {
        indices.map { (index: $0, error: Refusal(number: $0)) }
    }

    private func describe(_ outcome: ChunkOutcome<Int>) -> [String] {
        let failed = Dictionary(uniqueKeysWithValues: outcome.failures.map { ($0.index, $0.error) })
        var values = outcome.values[...]
        return (0..<outcome.count).map { index in
            failed[index].map { ($0 as? Refusal).map { "!\($0.number)" } ?? "!" } ?? "\(values.removeFirst())"
        }
    }

    @Test("all at once")
    func whole() {
        var ledger = ChunkLedger<Int>(count: 4)
        #expect(ledger.isUntouched && ledger.remainingCount == 4)
        ledger.finish([0, 1, 3], failures(2))
        #expect(ledger.remaining.isEmpty)
        #expect(describe(ledger.takeOutcome()) == ["0", "1", "!2", "3"])
    }

    @Test("in parts, with elements given up in the middle")
    func parts() {
        var ledger = ChunkLedger<Int>(count: 10)
        ledger.finish([0, 1], failures())
        ledger.fail(element: 4, Refusal(number: 44))
        #expect(ledger.remaining == [2..<4, 5..<10] && !ledger.isUntouched)
        // Across the gap.
        ledger.finish([2, 5], failures(3))
        #expect(ledger.remaining == [6..<10])
        ledger.fail(element: 4, Refusal(number: 99))
        ledger.fail(element: 9, Refusal(number: 9))
        ledger.finish([6, 7, 8], failures())
        #expect(ledger.remaining.isEmpty)
        #expect(describe(ledger.takeOutcome()) == ["0", "1", "2", "!3", "!44", "5", "6", "7", "8", "!9"])
    }

    @Test("values that do not decode have the places of their elements, beside failures that were told")
    func undecoded() {
        func undecoded(_ places: Int...) -> [ColumnFailure] {
            places.map { ColumnFailure(index: $0, error: Refusal(number: 100 + $0)) }
        }
        var ledger = ChunkLedger<Int>(count: 10)
        ledger.finish([0, 1], failures())
        ledger.fail(element: 4, Refusal(number: 4))
        // Elements 2, 3, 5, 6 and 7: the values of 2, 5 and 7 are in places 0, 1 and 2.
        ledger.finish([5], failures(3, 6), undecoded: undecoded(0, 2))
        #expect(ledger.remaining == [8..<10])
        // What a worker says of elements that it was not asked for is taken for the next ones.
        ledger.finish([], failures(0), undecoded: undecoded(0))
        #expect(
            describe(ledger.takeOutcome())
                == ["0", "1", "!100", "!3", "!4", "5", "!6", "!102", "!0", "!100"])
    }

    @Test("what is left fails together")
    func failsTheRest() {
        var ledger = ChunkLedger<Int>(count: 5)
        ledger.finish([0], failures())
        ledger.fail(element: 2, Refusal(number: 2))
        ledger.failTheRest(Refusal(number: 7))
        #expect(describe(ledger.takeOutcome()) == ["0", "!7", "!2", "!7", "!7"])
    }

    @Test("elements that are to be run again leave their places, as often as allowed")
    func retries() {
        var ledger = ChunkLedger<Int>(count: 6)
        ledger.finish([0], failures())
        ledger.finish([2], failures(1), again: [1], limit: 2)
        #expect(ledger.remaining == [3..<6] && ledger.unfinishedCount == 4 && ledger.isUnfinished(1))
        ledger.finish([4], failures(3, 5), again: [5], limit: 2)
        #expect(ledger.remaining.isEmpty && ledger.failuresOfDeferred == 1)
        ledger.beginAttempt()
        #expect(ledger.remaining == [1..<2, 5..<6] && ledger.failuresOfDeferred == nil)
        ledger.finish([11], failures(5), again: [5], limit: 2)
        #expect(ledger.failuresOfDeferred == 2)
        ledger.beginAttempt()
        ledger.finish([], failures(5), again: [5], limit: 2)
        #expect(ledger.unfinishedCount == 0, "often enough")
        #expect(describe(ledger.takeOutcome()) == ["0", "11", "2", "!3", "4", "!5"])
    }

    @Test("the time is that of all attempts, where each has told of its own")
    func runTimes() {
        var ledger = ChunkLedger<Int>(count: 3)
        // Taken back, and sent again.
        ledger.beginAttempt()
        ledger.beginAttempt()
        ledger.finish([0, 2], failures(1), again: [1], limit: 1)
        ledger.endAttempt(after: 100)
        ledger.beginAttempt()
        ledger.finish([1], failures())
        ledger.endAttempt(after: 20)
        ledger.endAttempt(after: 20)
        #expect(ledger.errorCount(of: 1) == 1 && ledger.errorCount(of: 2) == 0)
        #expect(ledger.takeOutcome().measurement.runTime == 120)

        // The worker was lost.
        ledger = ChunkLedger<Int>(count: 2)
        ledger.beginAttempt()
        ledger.finish([0], failures())
        ledger.beginAttempt()
        ledger.finish([1], failures())
        ledger.endAttempt(after: 100)
        #expect(ledger.takeOutcome().measurement.runTime == nil)
        ledger = ChunkLedger<Int>(count: 1)
        ledger.beginAttempt()
        ledger.failTheRest(Refusal(number: 1))
        #expect(ledger.takeOutcome().measurement.runTime == nil)
    }

    @Test("indices that a worker made up are taken for the next in turn")
    func madeUp() {
        var ledger = ChunkLedger<Int>(count: 4)
        ledger.finish([0], failures(3))
        ledger.finish([2], failures(0))
        let outcome = ledger.takeOutcome()
        #expect(outcome.count == 4 && outcome.failures.map(\.index) == outcome.failures.map(\.index).sorted())
    }

    @Test("against a plain table, at random")
    func random() {
        for _ in 0..<300 {
            let seed = UInt64.random(in: .min ... .max)
            var random = SplitMix(seed: seed)
            let count = Int.random(in: 1...30, using: &random)
            var ledger = ChunkLedger<Int>(count: count)
            var expected = [String](repeating: "", count: count)
            while ledger.remainingCount > 0 {
                let open = expected.indices.filter { expected[$0].isEmpty }
                #expect(Array(ledger.remaining.joined()) == open, "seed \(seed)")
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let element = open.randomElement(using: &random)!
                    ledger.fail(element: element, Refusal(number: -element))
                    expected[element] = "!\(-element)"
                    continue
                }
                let part = open.prefix(Int.random(in: 1...open.count, using: &random))
                let failing = part.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
                ledger.finish(
                    part.filter { !failing.contains($0) }, failing.map { (index: $0, error: Refusal(number: $0)) })
                for index in part { expected[index] = failing.contains(index) ? "!\(index)" : "\(index)" }
            }
            #expect(describe(ledger.takeOutcome()) == expected, "seed \(seed)")
        }
    }
}
