import HeapModule

/// What the scheduler of a pool wants to look at, and when.
///
/// An entry that has become meaningless stays until it is due, and whoever it is for finds nothing to do, or until such entries
/// are the most: so setting a timer costs O(log *n*), cancelling nothing.
struct PoolTimers {
    enum Kind: Hashable {
        /// Something about a worker: its start, its exit, a limit of what it runs.
        case worker(WorkerID)
        /// Work lies behind a running task while another worker idles.
        case steal
        /// A task that failed may be run again.
        case retry(TaskID)
        /// Workers may be started again after a failure.
        case start
    }

    struct Entry: Comparable {
        let time: Int64
        let kind: Kind
        static func < (left: Entry, right: Entry) -> Bool { left.time < right.time }
    }

    private var entries = Heap<Entry>()

    /// Entries with those that have become meaningless.
    var count: Int { entries.count }

    /// When the next entry is due.
    var next: Int64? { entries.min?.time }

    mutating func set(_ kind: Kind, at time: Int64) { entries.insert(Entry(time: time, kind: kind)) }

    /// The earliest entry that is due, with its time.
    mutating func popDue(now: Int64) -> (kind: Kind, time: Int64)? {
        guard let first = entries.min, first.time <= now else { return nil }
        entries.removeMin()
        return (first.kind, first.time)
    }

    /// Drops entries that have become meaningless, if there are many.
    ///
    /// - Parameters:
    ///   - most: how many have a meaning, at most.
    ///   - hasMeaning: whether an entry has.
    mutating func dropMeaningless(most: Int, _ hasMeaning: (Entry) -> Bool) {
        guard entries.count > 2 * most + 64 else { return }
        entries = Heap(entries.unordered.filter(hasMeaning))
    }

    mutating func removeAll() { entries = Heap() }
}
