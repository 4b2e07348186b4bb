/// The workers of a pool, in the order of their starts.
///
/// A dictionary would have another order in each process, so that what the scheduler decides when it goes through its workers
/// could not be replayed; and to find an id among a few by halving takes less than to hash it.
struct WorkerTable<Worker> {
    /// The oldest first.
    private(set) var ids: [WorkerID] = []
    /// Where the worker of each id is.
    private var places: [Int] = []
    private var workers: [Worker?] = []
    private var free: [Int] = []

    var count: Int { ids.count }
    var isEmpty: Bool { ids.isEmpty }

    /// For reading and changing; ``insert(_:_:)`` and ``remove(_:)`` are for the rest.
    ///
    /// - Complexity: O(log *n*) in the number of workers.
    subscript(id: WorkerID) -> Worker? {
        _read {
            if let index = index(of: id) { yield workers[places[index]] } else { yield nil }
        }
        _modify {
            guard let index = index(of: id) else {
                var nothing: Worker?
                yield &nothing
                precondition(nothing == nil, "worker \(id) was not inserted")
                return
            }
            yield &workers[places[index]]
        }
    }

    private func index(of id: WorkerID) -> Int? {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle].rawValue < id.rawValue { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    /// - Parameter id: greater than those of all others.
    mutating func insert(_ id: WorkerID, _ worker: Worker) {
        precondition(ids.last.map { $0.rawValue < id.rawValue } ?? true)
        let place = free.popLast() ?? workers.count
        if place == workers.count { workers.append(worker) } else { workers[place] = worker }
        ids.append(id)
        places.append(place)
    }

    /// - Complexity: O(*n*) in the number of workers, with a small factor: their numbers are moved up.
    mutating func remove(_ id: WorkerID) {
        guard let index = index(of: id) else { return }
        ids.remove(at: index)
        let place = places.remove(at: index)
        workers[place] = nil
        free.append(place)
    }
}
