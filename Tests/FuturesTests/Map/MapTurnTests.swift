import TestSupport
import Testing

@testable import Futures

/// Whose turn it is with a map's input.
struct MapTurnTests {
    /// Holds up those who are told after it.
    private final class Barrier: CompletionObserver, @unchecked Sendable {
        private let (arrived, leave): (Gate, Gate)

        init(_ arrived: Gate, _ leave: Gate) { (self.arrived, self.leave) = (arrived, leave) }

        override func futureCompleted(failed: Bool) {
            arrived.open()
            try? leave.wait()
        }
    }

    @Test("a consumer that has taken all, of which the map was not told yet, sleeps, and keeps its time", .proves(.M3))
    func sleepsUntilTold() throws {
        let (arrived, leave, ended, threads) = (Gate(), Gate(), Gate(), TestThreads())
        let submitted = Mutex<[(future: Future<ChunkOutcome<Int>>, count: Int)]>([])
        let target = MapTarget<Int, Int>(
            submit: { (_: Bool, column: [Int]) in
                let future = Future<ChunkOutcome<Int>>()
                _ = future.addObserver(Barrier(arrived, leave))
                submitted.withLock { $0.append((future, column.count)) }
                return [MapPart(chunk: future, count: column.count, argumentBytes: 0)]
            }, takesChunks: true, workers: 1)
        let results = try target.map(
            ColumnReader(Array(0..<10_000)), order: .ofInput, chunkSize: .automatic, bufferSize: nil,
            timeout: .milliseconds(100))
        let parts = submitted.withLock { $0 }
        for (future, count) in parts {
            threads.start { future.fulfil(ChunkOutcome(values: Array(repeating: 1, count: count), failures: [])) }
        }
        try arrived.wait(parts.count)
        threads.start {
            for _ in 0..<parts.reduce(0, { $0 + $1.count }) { #expect((try? results.next()) == 1) }
            #expect(throws: TimeoutError.self) { try results.next() }
            ended.open()
        }
        #expect(throws: Never.self) { try ended.wait() }
        leave.open(parts.count)
        threads.join()
    }
}
