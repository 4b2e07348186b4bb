import Futures

/// Keeps books of what the workers of a run did, for its report and trace. Any thread.
final class RunRecorder: PoolObserver {
    struct Books {
        var bins = TimeBins()
        /// Of elements: of those that came in a chunk, its time shared out evenly.
        var times = TimeHistogram()
        var timelines = WorkerTimelines()
        var workers = 0
        /// How long calls ran, all together, in nanoseconds.
        var busy: Int64 = 0
        var calls = 0
        /// Of each worker that is there: what it did last had ended then. What it says of times may overlap.
        fileprivate var lastEnds: [ObservedWorker: Int64] = [:]
    }

    private let start: ContinuousClock.Instant
    private let startTime: Int64
    private let books = Mutex(Books())
    private let trace: Mutex<TraceFile?>

    /// - Parameter now: of the monotonic clock, in nanoseconds.
    init(trace: consuming sending TraceFile?, now: Int64) {
        startTime = now
        start = .now
        self.trace = Mutex(trace)
    }

    var elapsed: Duration { start.duration(to: .now) }

    /// What happened until now.
    var result: Books { books.withLock { $0 } }

    func callEnded(_ call: ObservedCall) {
        let (began, ended, isNew) = books.withLock { note(call, in: &$0) }
        trace.withLock { trace in
            if isNew { trace?.began(call.worker) }
            trace?.add(call, began: began, ended: ended)
        }
    }

    func workerEnded(_ worker: ObservedWorker, at time: Int64) {
        books.withLock { books in
            books.lastEnds[worker] = nil
            books.timelines.ended(worker.number)
        }
    }

    /// - Throws: what went wrong when the trace was written.
    func finishTrace() throws(OutputError) {
        try trace.withLock { trace throws(OutputError) in
            try trace?.finish()
            trace = nil
        }
    }

    private func note(_ call: ObservedCall, in books: inout Books) -> (began: Int64, ended: Int64, isNew: Bool) {
        let lastEnd = books.lastEnds[call.worker]
        let ended = max(call.ended - startTime, lastEnd ?? 0, 0)
        let began = min(max(call.began - startTime, lastEnd ?? 0, 0), ended)
        if lastEnd == nil { books.workers += 1 }
        books.lastEnds[call.worker] = ended
        books.calls += 1
        books.busy += ended - began
        var isAnswer = false
        switch call.outcome {
        case .answered: isAnswer = true
        case .failedForNow: break
        case .lost(let reason):
            books.timelines.lost(call.worker.number, processID: call.worker.processID, at: ended, reason)
        }
        if isAnswer {
            books.bins.add(elements: call.elements, failures: call.failures, from: began, to: ended)
            books.times.add(Double(ended - began) / Double(max(1, call.elements)), count: call.elements)
        }
        books.timelines.add(
            WorkerTimelines.Span(
                began: began, ended: ended, busy: ended - began, calls: 1, elements: isAnswer ? call.elements : 0,
                failures: call.failures), by: call.worker.number)
        return (began, ended, lastEnd == nil)
    }
}
