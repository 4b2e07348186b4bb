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
    private let journal: JournalWriter?
    private let timesElements: Bool
    private let tell: (@Sendable (ChunkReply) -> Void)?
    private let isDue = Atomic<Bool>(false)

    /// - Parameters:
    ///   - journal: each element is noted there before it is run...
    ///   - timesElements: ...with the time, so that it can be interrupted when that is up.
    ///   - tell: called with the finished elements by and by; nil where they are all told at the end.
    init(
        count: Int, ranges: [Range<Int>] = [], journal: JournalWriter? = nil, timesElements: Bool = false,
        tell: (@Sendable (ChunkReply) -> Void)? = nil
    ) {
        self.count = count
        self.ranges = ranges.isEmpty ? [0..<count] : ranges
        self.journal = journal
        self.timesElements = timesElements
        self.tell = tell
    }

    /// What has been finished is to be told after the running element. Any thread.
    package func becomeDue() { isDue.store(true, ordering: .relaxed) }

    /// Not through closures: a short function takes less time than these few instructions.
    @inline(__always)
    private func begins(_ index: Int) {
        if timesElements { beginsTimed(index) } else { journal?.beginElement(index) }
    }

    private func beginsTimed(_ index: Int) {
        CallInterruption.current.beginElement(index)
        journal?.beginElement(index, at: futures_monotonic_nanoseconds())
    }

    /// Runs all elements, and tells what is finished by and by.
    ///
    /// - Parameters:
    ///   - run: runs elements one after the other, as long as it is told to go on when it comes to the next; returns the
    ///     first that it has not come to.
    ///   - finish: makes a reply of what is finished; nil if that is nothing.
    fileprivate func forEach(
        _ run: (Range<Int>, (Int) -> Bool) -> Int, finish: () throws(InvocationFailure) -> ChunkReply?
    ) throws(InvocationFailure) {
        guard let tell else {
            for range in ranges {
                _ = run(range) { index in
                    begins(index)
                    return true
                }
            }
            return
        }
        var pace = Pace()
        for range in ranges {
            var next = range.lowerBound
            while next < range.upperBound {
                next = run(next..<min(next + pace.stride, range.upperBound)) { index in
                    guard !isDue.load(ordering: .relaxed) else { return false }
                    begins(index)
                    return true
                }
                guard pace.isOver() || isDue.load(ordering: .relaxed), next != ranges.last?.upperBound else { continue }
                isDue.store(false, ordering: .relaxed)
                if let reply = try finish() { tell(reply) }
            }
        }
    }

    /// Says when it is time to tell what is finished: what was not told is run again when the worker is lost, and telling
    /// costs about a microsecond.
    private struct Pace {
        private static let interval: Int64 = 50_000
        /// So many elements are run until the next look at the clock, which takes 25 ns: too much for each of many short ones.
        private(set) var stride = 1
        private var lastLook = futures_monotonic_nanoseconds()
        private var lastTold = futures_monotonic_nanoseconds()

        /// The clock is looked at.
        mutating func isOver() -> Bool {
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
        var undecoded: [Int: any Error] = [:]
        do {
            columns = try decodeColumns(count: chunk.count, &decoder, undecoded: &undecoded)
        } catch {
            throw failure(error, at: .decodingArguments)
        }
        return try runChunk(chunk, undecoded, repeat each columns)
    }

    private func runChunk(
        _ chunk: ChunkRun, _ undecoded: [Int: any Error], _ column: repeat [each Input]
    ) throws(InvocationFailure) -> ChunkReply {
        var part = ChunkPart<Output>(capacity: chunk.count)
        try chunk.forEach { indices, begins in
            run(indices, undecoded, begins, &part, repeat each column)
        } finish: { () throws(InvocationFailure) in
            guard part.count > 0 else { return nil }
            let reply = try encode(part)
            part.removeAll()
            return reply
        }
        return try encode(part)
    }

    /// Runs elements until `begins` says that it is enough. Those that could not be decoded fail.
    ///
    /// - Returns: the first that was not run.
    private func run(
        _ indices: Range<Int>, _ undecoded: [Int: any Error], _ begins: (Int) -> Bool,
        _ part: inout ChunkPart<Output>, _ column: repeat [each Input]
    ) -> Int {
        var next = indices.lowerBound
        // Behind the elements that are run in one go.
        var end = undecoded.isEmpty ? indices.upperBound : next
        while next < indices.upperBound {
            if next == end {
                if let error = undecoded[next] {
                    part.failed(next, failure(error, at: .decodingArguments))
                    next += 1
                    end = next
                    continue
                }
                end = (next..<indices.upperBound).first { undecoded[$0] != nil } ?? indices.upperBound
            }
            do {
                next += try part.append(from: next) { values in
                    try runUntilThrown(next..<end, begins, &values, repeat each column)
                }
                if next < end { return next }
            } catch {
                next = part.end
                part.failed(next, failure(error, at: .running))
                next += 1
            }
        }
        return next
    }

    private func runUntilThrown(
        _ indices: Range<Int>, _ begins: (Int) -> Bool, _ values: inout [Output], _ column: repeat [each Input]
    ) throws {
        guard let loop = code.loop else {
            for index in indices {
                guard begins(index) else { return }
                values.append(try call(repeat (each column)[index]))
            }
            return
        }
        // The elements of an array stay where they are as long as somebody holds the array and nobody changes it.
        try withExtendedLifetime((repeat each column)) {
            try loop(indices, begins, &values, repeat (each column).withUnsafeBufferPointer { $0.baseAddress! })
        }
    }

    private func encode(_ part: ChunkPart<Output>) throws(InvocationFailure) -> ChunkReply {
        do {
            var encoder = PayloadEncoder()
            try code.output.encodeColumn(part.values, into: &encoder)
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
                try code.output.encode(value, into: &encoder)
                kept.append(value)
            } catch {
                failures.append(
                    ElementFailure(index: UInt32(index), failure: failure(error, at: .encodingResult).description))
            }
        }
        failures.sort { $0.index < $1.index }
        do {
            var encoder = PayloadEncoder()
            try code.output.encodeColumn(kept, into: &encoder)
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
    /// Behind the last element that was run.
    private(set) var end = 0

    init(capacity: Int) { values.reserveCapacity(capacity) }

    var count: Int { values.count + failures.count }

    /// Runs what appends values, of the elements from that one on.
    ///
    /// - Returns: how many it has appended.
    mutating func append(from index: Int, _ run: (inout [Output]) throws -> Void) throws -> Int {
        let before = values.count
        defer {
            end = index + values.count - before
            note(index..<end)
        }
        try run(&values)
        return values.count - before
    }

    mutating func failed(_ index: Int, _ failure: InvocationFailure) {
        failures.append(ElementFailure(index: UInt32(index), failure: failure.description))
        note(index..<index + 1)
    }

    private mutating func note(_ indices: Range<Int>) {
        if indices.isEmpty { return }
        if let last = ranges.last, last.upperBound == indices.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<indices.upperBound
        } else {
            ranges.append(indices)
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
