/// What workers did when, in some thousand spans at most: when there are more, what is close together becomes one. A plain value.
///
/// A worker has a row; one that takes the place of another that is gone has its row.
struct WorkerTimelines {
    struct Span {
        var began: Int64
        var ended: Int64
        /// How long calls ran in it, in nanoseconds.
        var busy: Int64
        var calls: Int
        var elements: Int
        var failures: Int
    }

    struct Loss {
        var time: Int64
        var processID: Int32
        var reason: String
    }

    struct Row {
        var spans: [Span] = []
        var losses: [Loss] = []
        /// How many workers have had it.
        var workers = 0
    }

    static let mostSpans = 4_000
    static let mostLosses = 500

    private(set) var rows: [Row] = []
    private var rowOfWorker: [UInt64: Int] = [:]
    private var freeRows: [Int] = []
    private var spanCount = 0
    private(set) var lossCount = 0
    /// Spans closer than this are one; in nanoseconds.
    private(set) var resolution: Int64 = 0

    /// A worker has done something, after all that it did before.
    mutating func add(_ span: Span, by worker: UInt64) {
        let row = row(of: worker)
        if let last = rows[row].spans.last, span.began - last.ended < resolution {
            rows[row].spans[rows[row].spans.count - 1] = Self.joined(last, span)
            return
        }
        rows[row].spans.append(span)
        spanCount += 1
        while spanCount > Self.mostSpans { coarsen() }
    }

    mutating func lost(_ worker: UInt64, processID: Int32, at time: Int64, _ reason: String) {
        let row = row(of: worker)
        lossCount += 1
        if lossCount <= Self.mostLosses {
            rows[row].losses.append(Loss(time: time, processID: processID, reason: reason))
        }
    }

    /// Its row is free for others.
    mutating func ended(_ worker: UInt64) {
        guard let row = rowOfWorker.removeValue(forKey: worker) else { return }
        freeRows.append(row)
        freeRows.sort(by: >)
    }

    private mutating func row(of worker: UInt64) -> Int {
        if let row = rowOfWorker[worker] { return row }
        let row = freeRows.popLast() ?? rows.count
        if row == rows.count { rows.append(Row()) }
        rows[row].workers += 1
        rowOfWorker[worker] = row
        return row
    }

    private static func joined(_ first: Span, _ second: Span) -> Span {
        Span(
            began: min(first.began, second.began), ended: max(first.ended, second.ended),
            busy: first.busy + second.busy, calls: first.calls + second.calls,
            elements: first.elements + second.elements, failures: first.failures + second.failures)
    }

    private mutating func coarsen() {
        resolution = max(resolution * 2, 100_000)
        spanCount = 0
        for row in rows.indices {
            var spans: [Span] = []
            for span in rows[row].spans {
                if let last = spans.last, span.began - last.ended < resolution {
                    spans[spans.count - 1] = Self.joined(last, span)
                } else {
                    spans.append(span)
                }
            }
            rows[row].spans = spans
            spanCount += spans.count
        }
    }
}
