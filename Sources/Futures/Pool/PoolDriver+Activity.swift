internal import CProto

// What workers are at, for who watches. Any thread.
extension PoolDriver {
    func look() -> [WorkerSight] {
        let now = futures_monotonic_nanoseconds()
        return core.withLock { $0.state.busyness }.compactMap { worker in
            // Without a link its process is yet to be started.
            guard let link = link(worker.id) else { return nil }
            let work = work(of: link, worker.head)
            let call = work.map { job, note in
                WorkerActivity.Call(
                    functionName: job.function.name,
                    runningTime: .nanoseconds(max(0, now - worker.headSince)),
                    elements: (job as? ElementsJob)?.progress(at: note?.element.map { Int($0) }),
                    report: note.flatMap { link.journal.report(of: $0) })
            }
            return WorkerSight(
                activity: WorkerActivity(processID: link.pid, isLeaving: worker.isLeaving, call: call),
                future: work?.job.future)
        }
    }

    /// What a worker runs: what its journal says, if that is one of its tasks, otherwise the first that it has.
    private func work(
        of link: PipeLink, _ head: (job: PoolJob, task: TaskID)?
    ) -> (job: PoolJob, note: WorkerJournal.Note?)? {
        guard let head else { return nil }
        guard case .last(let note) = link.journal.read() else { return (head.job, nil) }
        let job = core.withLock {
            $0.state.job(of: TaskID(rawValue: note.task), heldBy: link.id, attempt: note.attempt)
        }
        return job.map { ($0, note) } ?? (head.job, nil)
    }
}

extension PoolState {
    /// The workers in the order of their starts, with the first of what they hold.
    var busyness: [(id: WorkerID, isLeaving: Bool, headSince: Int64, head: (job: Job, task: TaskID)?)] {
        workers.ids.map { id in
            let worker = workers[existing: id]
            var isLeaving = false
            if case .leaving = worker.stage { isLeaving = true }
            let head = worker.held.first.flatMap { task in tasks[task].map { ($0.job, task) } }
            return (id, isLeaving, worker.headSince, head)
        }
    }
}
