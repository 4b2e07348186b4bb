// The scheduler's books: what they say, and whether they are right. For tests and the simulator.
extension PoolState {
    /// Its sums. Reading them takes constant time.
    package struct Books: Sendable, Equatable {
        package enum Phase: Sendable { case open, shuttingDown, broken, finished }
        package var phase: Phase
        package var tasks: Int
        package var backlog: Int
        package var delayed: Int
        /// What workers hold, also tasks that have ended since.
        package var held: Int
        /// Tasks that no worker has begun, and how many bytes their arguments take.
        package var unbegun: Int
        package var unbegunBytes: Int
        package var workers: Int
        package var starting: Int
        package var ready: Int
        package var busy: Int
        package var histories: Int
        package var ownLimits: Int
        package var promises: Int
    }

    package var books: Books {
        let phase: Books.Phase =
            switch phase {
            case .open: .open
            case .shuttingDown: .shuttingDown
            case .broken: .broken
            case .finished: .finished
            }
        return Books(
            phase: phase, tasks: tasks.count, backlog: backlogCount, delayed: delayedCount, held: heldCount,
            unbegun: waitingCount, unbegunBytes: waitingBytes, workers: workers.count, starting: startingCount,
            ready: readyCount, busy: busyCount, histories: histories.count, ownLimits: taskLimits.count,
            promises: promises)
    }

    /// What a worker holds, in order, also tasks that have ended since.
    package func held(by id: WorkerID) -> some Sequence<TaskID> { workers[id]?.held ?? [] }

    /// Goes through all tasks and workers.
    ///
    /// - Returns: what is wrong with the books, if anything is.
    package func audit() -> String? {
        var (waiting, delayed, unbegun, bytes) = (0, 0, 0, 0)
        for id in tasks.ids {
            guard let record = tasks[id] else { continue }
            if record.isDelayed { delayed += 1 } else if record.worker == nil { waiting += 1 }
            if !record.hasBegun { (unbegun, bytes) = (unbegun + 1, bytes + record.size) }
            if let holder = record.worker, workers[holder]?.held.contains(id) != true {
                return "task \(id) is with worker \(holder), which does not have it"
            }
        }
        if waiting != backlogCount { return "\(waiting) tasks wait, and the backlog counts \(backlogCount)" }
        if delayed != delayedCount { return "\(delayed) tasks are delayed, and \(delayedCount) are counted" }
        if unbegun != waitingCount || bytes != waitingBytes {
            return "\(unbegun) tasks with \(bytes) bytes have not begun"
        }
        if let id = histories.keys.first(where: { tasks[$0] == nil }) { return "task \(id) is over and has a history" }
        if let id = taskLimits.keys.first(where: { tasks[$0] == nil }) { return "task \(id) is over and has limits" }
        if let id = losses.keys.first(where: { workers[$0] == nil }) { return "worker \(id) is lost and gone" }
        return auditWorkers()
    }

    private func auditWorkers() -> String? {
        var (starting, ready, busy, held) = (0, 0, 0, 0)
        let isAnyIdle = workers.ids.contains(where: idles)
        let isWorkStranded = backlogCount == 0 && isAnyIdle && busyCount < configuration.maxWorkers && !isStealTimerSet
        for id in workers.ids {
            guard let worker = workers[id] else { return "worker \(id) is counted, and not there" }
            held += worker.held.count
            if !worker.held.isEmpty { busy += 1 }
            switch worker.stage {
            case .starting: starting += 1
            case .ready: ready += 1
            case .retiring, .leaving: break
            }
            for task in worker.held where tasks[task].map({ $0.worker != id }) ?? false {
                return "worker \(id) holds task \(task), which is elsewhere"
            }
            if case .leaving = worker.stage {
            } else if isWorkStranded, worker.held.dropFirst().contains(where: askBackIfNeeded) {
                return "work lies behind what worker \(id) runs, and nobody will look after it"
            }
            if idles(id), backlogCount > 0, busyCount < configuration.maxWorkers {
                return "worker \(id) idles beside work"
            }
        }
        if held != heldCount || busy != busyCount { return "\(busy) workers hold \(held) tasks" }
        if starting != startingCount || ready != readyCount { return "\(starting) workers start, \(ready) are ready" }
        return nil
    }
}
