/// The workers of a pool, in the order of their starts.
///
/// A dictionary would have another order in each process, so that what the scheduler decides when it goes through its workers
/// could not be replayed; and to find an id among a few by halving takes less than to hash it.
struct WorkerTable<Worker> {
    /// The oldest first.
    private(set) var ids: [WorkerID] = []
    /// Where the worker of each id is.
    private var indices: [Int] = []
    /// In places that are free, workers of the past: they are used again.
    private var workers: [Worker] = []
    private var free: [Int] = []

    var count: Int { ids.count }
    var isEmpty: Bool { ids.isEmpty }

    private func position(of id: WorkerID) -> Int? {
        guard let first = ids.first else { return nil }
        // As long as none has gone, ids have no gaps.
        let guess = id.rawValue &- first.rawValue
        if guess < UInt64(ids.count), ids[Int(guess)] == id { return Int(guess) }
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle].rawValue < id.rawValue { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    func contains(_ id: WorkerID) -> Bool { position(of: id) != nil }

    /// A copy of a worker, for reading.
    ///
    /// - Complexity: O(log *n*) in the number of workers.
    subscript(id: WorkerID) -> Worker? { position(of: id).map { workers[indices[$0]] } }

    /// A worker that has to be there, in place: a copy would copy its queue when one of the two is changed.
    ///
    /// - Complexity: O(log *n*) in the number of workers.
    subscript(existing id: WorkerID) -> Worker {
        _read { yield workers[index(of: id)] }
        _modify { yield &workers[index(of: id)] }
    }

    private func index(of id: WorkerID) -> Int {
        guard let position = position(of: id) else { preconditionFailure("there is no worker \(id)") }
        return indices[position]
    }

    /// - Parameter id: greater than those of all others.
    mutating func insert(_ id: WorkerID, _ worker: Worker) {
        precondition(ids.last.map { $0.rawValue < id.rawValue } ?? true)
        let index = free.popLast() ?? workers.count
        if index == workers.count { workers.append(worker) } else { workers[index] = worker }
        ids.append(id)
        indices.append(index)
    }

    /// - Complexity: O(*n*) in the number of workers, with a small factor: their numbers are moved up.
    mutating func remove(_ id: WorkerID) {
        guard let position = position(of: id) else { return }
        ids.remove(at: position)
        free.append(indices.remove(at: position))
    }
}
