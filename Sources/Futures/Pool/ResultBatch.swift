import Wire

/// Results of short calls that one worker has sent together: they are handed to the scheduler together, which saves a lock and
/// a look at what is to be done next for each.
struct ResultBatch {
    private(set) var answers: [TaskAnswer] = []
    private var contents: [(format: PayloadFormat, bytes: Range<Int>)] = []
    private var bytes: [UInt8] = []
    private var jobs: [PoolJob?] = []

    /// A larger payload is not copied, and its result taken alone.
    private static let largestPayload = 1024

    var isEmpty: Bool { answers.isEmpty }

    /// - Returns: whether it was taken.
    mutating func add(_ result: ResultMessage, _ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count <= Self.largestPayload else { return false }
        answers.append(
            TaskAnswer(
                id: TaskID(rawValue: result.id), attempt: result.attempt,
                runTime: Int64(clamping: result.runNanoseconds)))
        contents.append((result.format, bytes.count..<bytes.count + payload.count))
        bytes.append(contentsOf: payload)
        return true
    }

    /// Asks for the jobs of the answers, in order.
    mutating func findJobs(_ accept: ([TaskAnswer], (PoolJob?) -> Void) -> Void) {
        jobs.reserveCapacity(answers.count)
        accept(answers) { jobs.append($0) }
    }

    /// The calls that were accepted, with when they began and ended: one after the other, the last one now.
    func observed(at now: Int64) -> [(job: PoolJob, runTime: Int64, ended: Int64)] {
        var ended = now
        var calls: [(job: PoolJob, runTime: Int64, ended: Int64)] = []
        for (job, answer) in zip(jobs, answers).reversed() {
            // The worker's numbers.
            let runTime = min(max(answer.runTime, 0), max(ended, 0))
            if let job { calls.append((job, runTime, ended)) }
            ended -= runTime
        }
        return calls.reversed()
    }

    /// Ends the futures of the jobs that were found; nothing is left here.
    mutating func complete(from origin: AnswerOrigin, _ later: inout Notifications) {
        bytes.withUnsafeBytes { bytes in
            for (job, content) in zip(jobs, contents) {
                guard let job else { continue }
                let frame = FrameView(
                    kind: .result, message: UnsafeRawBufferPointer(start: nil, count: 0),
                    payload: UnsafeRawBufferPointer(rebasing: bytes[content.bytes]))
                job.complete(with: .result(format: content.format, frame), from: origin, &later)
            }
        }
        answers.removeAll(keepingCapacity: true)
        contents.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        jobs.removeAll(keepingCapacity: true)
    }
}
