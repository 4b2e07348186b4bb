internal import CProto
import Synchronization
import Wire

/// What a worker answers to a chunk, or to a part of it: a column of the results, and the elements that failed.
package struct ChunkReply: Sendable {
    package var payload: Payload
    package var failures: [ElementFailure]
    /// How many elements it is about.
    package var count: Int
}

/// A chunk that a worker runs: which elements, and what it tells of them before all are done.
///
/// Of the main thread, but for ``becomeDue()``.
package final class ChunkRun: Sendable {
    /// How many elements the columns have.
    let count: Int
    /// Those that are to be run.
    let ranges: [Range<Int>]
    private let begins: @Sendable (Int) -> Void
    private let tell: (@Sendable (ChunkReply) -> Void)?
    private let isDue = Atomic<Bool>(false)

    /// - Parameters:
    ///   - begins: called with the index of each element before it is run.
    ///   - tell: called with the finished elements by and by; nil where they are all told at the end.
    package init(
        count: Int, ranges: [Range<Int>] = [], begins: @escaping @Sendable (Int) -> Void = { _ in },
        tell: (@Sendable (ChunkReply) -> Void)? = nil
    ) {
        self.count = count
        self.ranges = ranges.isEmpty ? [0..<count] : ranges
        self.begins = begins
        self.tell = tell
    }

    /// What has been finished is to be told after the running element. Any thread.
    package func becomeDue() { isDue.store(true, ordering: .relaxed) }

    /// Runs `body` for each element in turn.
    ///
    /// - Parameter finish: makes a reply of what is finished; called between elements.
    fileprivate func forEach(
        _ body: (Int) -> Void, finish: () throws(InvocationFailure) -> ChunkReply
    ) throws(InvocationFailure) {
        guard let tell else {
            for range in ranges {
                for index in range {
                    begins(index)
                    body(index)
                }
            }
            return
        }
        var pace = Pace()
        for range in ranges {
            for index in range {
                begins(index)
                body(index)
                guard pace.isOver() || isDue.load(ordering: .relaxed), index != ranges.last?.last else { continue }
                isDue.store(false, ordering: .relaxed)
                tell(try finish())
            }
        }
    }

    /// Says when it is time to tell what is finished: what was not told is run again when the worker is lost, and telling
    /// costs about a microsecond.
    private struct Pace {
        private static let interval: Int64 = 50_000
        /// Reading the clock takes 25 ns, so it is not read for each of many short elements.
        private var stride = 1
        private var skipped = 0
        private var lastLook = futures_monotonic_nanoseconds()
        private var lastTold = futures_monotonic_nanoseconds()

        mutating func isOver() -> Bool {
            skipped += 1
            guard skipped >= stride else { return false }
            skipped = 0
            let now = futures_monotonic_nanoseconds()
            let passed = now - lastLook
            lastLook = now
            if passed < Self.interval / 16 {
                stride = min(stride * 2, 64)
            } else if passed > Self.interval / 4 {
                stride = 1
            }
            guard now - lastTold >= Self.interval else { return false }
            lastTold = now
            return true
        }
    }
}

extension Callable {
    /// Runs the body for elements of a chunk; failures do not stop the others.
    func runChunk(_ chunk: ChunkRun, _ decoder: inout PayloadDecoder) throws(InvocationFailure) -> ChunkReply {
        let columns: (repeat [each Input])
        do {
            columns = try decodeColumns(count: chunk.count, &decoder)
        } catch {
            throw failure(error, at: .decodingArguments)
        }
        return try runChunk(chunk, repeat each columns)
    }

    private func runChunk(
        _ chunk: ChunkRun, _ column: repeat [each Input]
    ) throws(InvocationFailure) -> ChunkReply {
        var part = ChunkPart<Output>(capacity: chunk.count)
        try chunk.forEach { index in
            do {
                part.succeeded(index, try call(repeat (each column)[index]))
            } catch {
                part.failed(index, failure(error, at: .running))
            }
        } finish: { () throws(InvocationFailure) in
            let reply = try encode(part)
            part.removeAll()
            return reply
        }
        return try encode(part)
    }

    private func encode(_ part: ChunkPart<Output>) throws(InvocationFailure) -> ChunkReply {
        do {
            var encoder = PayloadEncoder()
            try output.encodeColumn(part.values, into: &encoder)
            return ChunkReply(payload: encoder.finish(), failures: part.failures, count: part.count)
        } catch {
            return try encodeOneByOne(part)
        }
    }

    /// The slow way, taken when a column does not encode: finds the guilty elements and keeps the others.
    private func encodeOneByOne(_ part: ChunkPart<Output>) throws(InvocationFailure) -> ChunkReply {
        var failures = part.failures
        var kept: [Output] = []
        for (index, value) in zip(part.indicesOfValues, part.values) {
            do {
                var encoder = PayloadEncoder()
                try output.encode(value, into: &encoder)
                kept.append(value)
            } catch {
                failures.append(
                    ElementFailure(index: UInt32(index), failure: failure(error, at: .encodingResult).description))
            }
        }
        failures.sort { $0.index < $1.index }
        do {
            var encoder = PayloadEncoder()
            try output.encodeColumn(kept, into: &encoder)
            return ChunkReply(payload: encoder.finish(), failures: failures, count: part.count)
        } catch {
            throw failure(error, at: .encodingResult)
        }
    }
}

/// What became of some elements of a chunk, in their order.
private struct ChunkPart<Output> {
    private(set) var values: [Output] = []
    private(set) var failures: [ElementFailure] = []
    /// The elements, in as few ranges as may be.
    private var ranges: [Range<Int>] = []

    init(capacity: Int) { values.reserveCapacity(capacity) }

    var count: Int { values.count + failures.count }

    mutating func succeeded(_ index: Int, _ value: Output) {
        values.append(value)
        note(index)
    }

    mutating func failed(_ index: Int, _ failure: InvocationFailure) {
        failures.append(ElementFailure(index: UInt32(index), failure: failure.description))
        note(index)
    }

    private mutating func note(_ index: Int) {
        if let last = ranges.last, last.upperBound == index {
            ranges[ranges.count - 1] = last.lowerBound..<index + 1
        } else {
            ranges.append(index..<index + 1)
        }
    }

    var indicesOfValues: [Int] {
        let failed = Set(failures.map { Int($0.index) })
        return ranges.flatMap { $0.filter { !failed.contains($0) } }
    }

    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        failures.removeAll()
        ranges.removeAll(keepingCapacity: true)
    }
}
