/// The tasks that wait for a worker, in the order in which they begin.
///
/// A task that is cancelled leaves its entry behind, to be dropped when it is reached or when such entries are the most.
struct Backlog {
    private var entries = PriorityQueue<TaskID>()
    /// How many tasks wait.
    private(set) var count = 0
    /// Entries with those left behind, for tests.
    var entryCount: Int { entries.count }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ task: TaskID, priority: Int) {
        entries.append(task, priority: priority)
        count += 1
    }

    /// Puts a task back before the others of its priority.
    mutating func prepend(_ task: TaskID, priority: Int) {
        entries.prepend(task, priority: priority)
        count += 1
    }

    /// - Parameter waits: whether a task is still there and waits.
    mutating func popFirst(where waits: (TaskID) -> Bool) -> TaskID? {
        while let task = entries.popFirst() {
            guard waits(task) else { continue }
            count -= 1
            return task
        }
        return nil
    }

    /// A task waits no longer.
    mutating func removed(where waits: (TaskID) -> Bool) {
        count -= 1
        // While all workers are held up nothing is reached, and work may be submitted and given up without end.
        if entries.count > 2 * count + 64 { entries.removeAll { !waits($0) } }
    }

    mutating func removeAll() { self = Backlog() }
}
