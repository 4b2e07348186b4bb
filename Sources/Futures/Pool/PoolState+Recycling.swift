// Workers that are replaced because of their age or memory.
extension PoolState {
    static func later(_ now: Int64, _ time: Int64) -> Int64 {
        let (sum, overflow) = now.addingReportingOverflow(time)
        return overflow ? .max : sum
    }

    /// A worker gets a task. Its age is counted from the first one: a successor that waits for its turn does not grow old, and is
    /// not replaced again and again.
    mutating func setRetirement(of id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let age = configuration.recycling.age, workers[existing: id].retirement == .max,
            !workers[existing: id].isWornOut
        else { return }
        let share = 1 - configuration.recycling.jitter * Double.random(in: 0...1, using: &random)
        let time = min(Double(age.clampedNanoseconds) * share, 0x1p62)
        workers[existing: id].retirement = Self.later(now, Int64(max(1, time)))
        setTimer(of: id, &actions)
    }

    /// A worker has begun to run something, or to come up: its memory is to be watched.
    mutating func watchMemory(of id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard configuration.watchesMemory, workers[existing: id].memoryDue == .max else { return }
        workers[existing: id].memoryDue = Self.later(now, configuration.memoryWatchInterval)
        setTimer(of: id, &actions)
    }

    /// The driver has looked how much memory a worker has, in bytes. What it takes to come up is no reason to replace it: its
    /// successor would take as much.
    package mutating func memoryMeasured(
        _ id: WorkerID, _ memory: Int, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let most = configuration.recycling.memory, memory >= most, workers[id]?.isUsed == true else { return }
        retire(id, now: now, &actions)
    }

    /// A worker gets nothing more; it ends when it has run what it holds.
    mutating func retire(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let worker = workers[id] else { return }
        switch worker.stage {
        case .starting, .leaving: return
        case .ready where worker.held.isEmpty: drain(id, now: now, &actions)
        case .ready:
            workers[existing: id].stage = .retiring
            readyCount -= 1
        case .retiring: break
        }
        workers[existing: id].isWornOut = true
        schedule(now: now, &actions)
    }
}
