import DequeModule
import Futures

/// A worker: what the scheduler's books must say of it, and what its process does.
struct SimulatedWorker {
    enum Life: UInt8 {
        /// The place is free.
        case none
        case starting
        case running
        /// The process has ended, and the pool does not know yet.
        case ended
    }

    var id = WorkerID(rawValue: 0)
    /// Which of those that had this place.
    var stamp: UInt32 = 0
    var life = Life.none

    // MARK: What the scheduler's books must say

    /// What it holds, in order; jobs that are over stay until it is gone.
    var book = Deque<Int32>()
    /// When the first of them became the first.
    var headSince: Int64 = 0
    /// Tasks that it was given.
    var given = 0
    /// A task turned out not to be sent.
    var wasSpared = false
    /// When it was given its first task: its age is counted from then.
    var usedSince: Int64 = .max
    /// It was found to have so much memory that it is to be replaced.
    var isTooLarge = false
    /// It was told to go, killed or lost.
    var isLeaving = false
    /// How it was lost.
    var loss: Loss?
    /// What it was told to interrupt.
    var interrupted: (job: Int32, attempt: UInt32, element: Int32)?
    /// The driver does not read what it says any more.
    var isUnread = false

    struct Loss {
        var running: LossReport.Running
        var charge: LossReport.Charge
        var isLastElement: Bool
        /// What it ran in truth; -1 for nothing, nil if its journal, or what the driver has read, is not to be relied on.
        var truth: Int32?
    }

    // MARK: What its process does

    /// What it was sent and has not begun.
    var queue = Deque<Sent>()
    /// What it runs, or -1.
    var current: Int32 = -1
    var currentAttempt: UInt32 = 0
    /// What is to come of that.
    var outcome = Outcome.answers
    /// The step that it is in.
    var step: UInt32 = 0
    var element: Int32 = -1
    var since: Int64 = 0
    /// Elements that are finished, and not told yet.
    var finished: UInt64 = 0
    var threw: UInt64 = 0
    /// What its journal says: the last that it began.
    var note: Note?
    /// What it has written.
    var outbox = Deque<Message>()
    /// When the last message to it, and from it, arrives.
    var lastIn: Int64 = 0
    var lastOut: Int64 = 0
    /// It does nothing more.
    var isFrozen = false
    var isDrained = false
    var ignoresTerm = false
    /// How it ends if it is lost.
    var charge = LossReport.Charge.crash

    enum Outcome: UInt8 { case answers, throwsError, crashes, outOfMemory, hangs }

    struct Sent {
        var job: Int32
        var attempt: UInt32
        var arrival: Int64
    }

    struct Note {
        var job: Int32
        var attempt: UInt32
        var element: Int32
        var since: Int64
    }

    struct Message {
        enum Kind: UInt8 { case result, error, interrupted, part, chunkEnd }
        var kind: Kind
        var job: Int32
        var attempt: UInt32
        var runTime: Int64 = 0
        var finished: UInt64 = 0
        var threw: UInt64 = 0
        var arrival: Int64 = 0
    }

    /// Makes the place that of a new worker; what the old one had allocated is used again.
    mutating func becomes(_ id: WorkerID, stamp: UInt32) {
        var (book, queue, outbox) = (Deque<Int32>(), Deque<Sent>(), Deque<Message>())
        swap(&book, &self.book)
        swap(&queue, &self.queue)
        swap(&outbox, &self.outbox)
        book.removeAll(keepingCapacity: true)
        queue.removeAll(keepingCapacity: true)
        outbox.removeAll(keepingCapacity: true)
        self = SimulatedWorker()
        self.id = id
        self.stamp = stamp
        self.book = book
        self.queue = queue
        self.outbox = outbox
        life = .starting
    }
}
