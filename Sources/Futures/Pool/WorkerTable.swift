/// The workers of a pool, in the order of their starts.
///
/// A dictionary by itself has another order in each process: what the scheduler decides when it goes through its workers could
/// not be replayed.
struct WorkerTable<Worker> {
    private var entries: [WorkerID: Worker] = [:]
    /// The oldest first.
    private(set) var ids: [WorkerID] = []

    var count: Int { ids.count }
    var isEmpty: Bool { ids.isEmpty }

    /// For reading and changing; ``insert(_:_:)`` and ``remove(_:)`` are for the rest.
    subscript(id: WorkerID) -> Worker? {
        get { entries[id] }
        _modify { yield &entries[id] }
    }

    /// - Parameter id: greater than those of all others.
    mutating func insert(_ id: WorkerID, _ worker: Worker) {
        precondition(ids.last.map { $0.rawValue < id.rawValue } ?? true)
        entries[id] = worker
        ids.append(id)
    }

    /// - Complexity: O(*n*) in the number of workers, with a small factor: their numbers are moved up.
    mutating func remove(_ id: WorkerID) {
        guard entries.removeValue(forKey: id) != nil else { return }
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle].rawValue < id.rawValue { low = middle + 1 } else { high = middle }
        }
        ids.remove(at: low)
    }
}
