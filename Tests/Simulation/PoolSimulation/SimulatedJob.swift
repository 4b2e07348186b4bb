import Futures

/// A task as the simulator knows it: what it is, and what the scheduler's books must say of it.
struct SimulatedJob {
    enum Place: UInt8 {
        /// In the backlog, or delayed.
        case unheld
        /// A worker has it.
        case held
        /// A worker has it no longer, and the scheduler has not said yet what becomes of it.
        case returning
        /// It has ended.
        case over
    }

    /// What must become of a job that is `returning`.
    enum Fate: UInt8 {
        case unknown, waitsAgain, isCancelled, isSetAside
        /// An element is given up, then the others wait again.
        case losesElement
    }

    var task = TaskID(rawValue: .max)
    /// The last attempt that was handed to a worker.
    var attempt: UInt32 = 0
    /// The place of the worker that holds it.
    var worker: Int32 = -1
    /// Its chunk, or -1 for a single call.
    var chunk: Int32 = -1
    var size: Int32 = 0
    var limits = TaskLimits.none
    /// It must not be handed out before.
    var notBefore: Int64 = 0
    var place = Place.unheld
    var fate = Fate.unknown
    /// A worker has come to it, now or before.
    var hasBegun = false
    /// It counts as running.
    var isRunning = false
    /// Its worker was asked for it.
    var isAsked = false
    /// Somebody waits for the worker's answer.
    var isCancelWanted = false
    /// The user has asked to interrupt it.
    var isInterruptWanted = false
    /// It was: it is not to be run again.
    var isUnwanted = false
    /// It ends every worker that runs it.
    var isPoison = false
    var isPromised = false
    var errors: UInt16 = 0
    var charges = Charges()
    /// How often a worker was lost that had not begun it, though it was the first.
    var unbegunLosses: UInt16 = 0

    /// What it, or an element of it, was charged with.
    struct Charges {
        var crashes: UInt16 = 0
        var memoryKills: UInt16 = 0
        var count: Int { Int(crashes) + Int(memoryKills) }
    }
}

/// What is finished of a chunk of up to 64 elements; each has a bit.
struct SimulatedChunk {
    let count: Int
    /// To be run in this attempt, or the next.
    var remaining: UInt64
    /// To be run again in the next attempt.
    var deferred: UInt64 = 0
    private(set) var errors: [UInt16] = []
    private var charges: [SimulatedJob.Charges] = []

    init(count: Int) {
        self.count = count
        remaining = count == 64 ? .max : (1 << UInt64(count)) - 1
    }

    var unfinishedCount: Int { (remaining | deferred).nonzeroBitCount }

    func isUnfinished(_ element: Int) -> Bool { (remaining | deferred) & (1 << UInt64(element)) != 0 }

    /// The first that is to be run, from `element` on, but for those of a set.
    func next(from element: Int, without finished: UInt64) -> Int? {
        guard element < 64 else { return nil }
        let rest = remaining & ~finished & (UInt64.max << UInt64(element))
        return rest == 0 ? nil : rest.trailingZeroBitCount
    }

    mutating func beginAttempt() {
        remaining |= deferred
        deferred = 0
    }

    /// Elements are finished; those of them that threw are run again, `limit` times at most.
    mutating func finish(_ finished: UInt64, threw: UInt64, limit: Int) {
        remaining &= ~finished
        guard threw != 0, limit > 0 else { return }
        if errors.isEmpty { errors = Array(repeating: 0, count: count) }
        for element in 0..<count where threw & (1 << UInt64(element)) != 0 && Int(errors[element]) < limit {
            errors[element] += 1
            deferred |= 1 << UInt64(element)
        }
    }

    /// How often the most unlucky of the deferred has failed; nil if there is none.
    var failuresOfDeferred: Int? {
        guard deferred != 0 else { return nil }
        return (0..<count).filter { deferred & (1 << UInt64($0)) != 0 }.map { Int(errors[$0]) }.max()
    }

    mutating func fail(_ element: Int) {
        beginAttempt()
        remaining &= ~(1 << UInt64(element))
    }

    func charges(of element: Int) -> SimulatedJob.Charges { charges.isEmpty ? .init() : charges[element] }

    mutating func setCharges(of element: Int, _ new: SimulatedJob.Charges) {
        if charges.isEmpty { charges = Array(repeating: .init(), count: count) }
        charges[element] = new
    }
}
