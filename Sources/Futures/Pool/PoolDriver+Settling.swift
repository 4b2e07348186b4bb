internal import CProto
import Wire

// Carrying out what the scheduler decided. One thread at a time: the settling role.
extension PoolDriver {
    /// Takes the settling role, if there is something to do and nobody has it, and carries out everything that is
    /// queued, also what others add meanwhile.
    ///
    /// - Parameter handsOver: whether what others add is left to the driver's thread: for who is waited for elsewhere.
    func settle(handsOver: Bool = false) {
        var work = SettlingWork()
        guard takeWork(&work, isBeginning: true) else { return }
        var rounds = 0
        repeat {
            rounds += 1
            for action in work.actions { carryOut(action, &work) }
            for write in work.writes { carryOut(write, &work) }
            for link in work.touched { flush(link) }
            work.touched.removeAll(keepingCapacity: true)
        } while handsOver || rounds == Self.mostSettlingRounds ? handOver(&work) : takeWork(&work, isBeginning: false)
        tell(&work)
    }

    /// Tells what has ended, without the role: what is let go of with it may be the user's, and use the pool.
    private func tell(_ work: inout SettlingWork) {
        guard !work.notifications.isEmpty else { return }
        work.notifications.send()
        let isLast = core.withLock { core in
            core.tellers.remove(at: core.tellers.firstIndex(of: futures_thread_self())!)
            guard core.isFinishDue, core.tellers.isEmpty else { return false }
            core.isFinishDue = false
            return true
        }
        if isLast { finish() }
    }

    /// So often a thread finds what others have added meanwhile, until it leaves the rest: it has something else to do, and a busy
    /// pool never ends.
    private static var mostSettlingRounds: Int { 64 }

    /// What a settling thread has in hand.
    struct SettlingWork {
        var actions: [PoolAction<PoolJob>] = []
        var writes: [DriverWrite] = []
        var touched: [PipeLink] = []
        var notifications = Notifications()
        /// The link used last: mostly the next action is for it, too.
        var lastLink: PipeLink?
    }

    /// Moves the queue to `work`; with an empty one gives the role back.
    private func takeWork(_ work: inout SettlingWork, isBeginning: Bool) -> Bool {
        var actions = work.actions
        var writes = work.writes
        work.actions = []
        work.writes = []
        actions.removeAll(keepingCapacity: true)
        writes.removeAll(keepingCapacity: true)
        let hasNews = !work.notifications.isEmpty
        let isTaken = core.withLock { core in
            if isBeginning, core.isSettling { return false }
            core.isSettling = false
            guard core.isToBeSettled else {
                core.endSettling(isTeller: hasNews)
                return false
            }
            core.isSettling = true
            // The emptied arrays take the place of the full ones: no allocation while the pool is busy.
            swap(&core.actions, &actions)
            swap(&core.writes, &writes)
            return true
        }
        work.actions = actions
        work.writes = writes
        return isTaken
    }

    /// Gives the role back, whatever is left.
    ///
    /// - Returns: that nothing is left for this thread.
    private func handOver(_ work: inout SettlingWork) -> Bool {
        let hasNews = !work.notifications.isEmpty
        let isLeft = core.withLock { core in
            core.endSettling(isTeller: hasNews)
            return core.isToBeSettled
        }
        // It settles whenever it is awake; this may be it.
        if isLeft { futures_eventfd_signal(wakeup.rawValue) }
        return false
    }

    private func link(_ id: WorkerID, _ work: inout SettlingWork) -> PipeLink? {
        if let last = work.lastLink, last.id == id { return last }
        let link = links.withLock { $0[id] }
        if let link { work.lastLink = link }
        return link
    }

    private func carryOut(_ action: PoolAction<PoolJob>, _ work: inout SettlingWork) {
        switch action {
        case .send(let id, let job, let worker, let attempt):
            send(id, job, to: worker, attempt: attempt, &work)
        case .began(let job):
            job.future.markRunning()
        case .takeBack(let id, let worker, let attempt):
            append(.cancel(CancelMessage(id: id.rawValue, attempt: attempt, kind: .takeBack)), to: worker, &work)
        case .measureProgress(let worker): order(.measureProgress(worker))
        case .measureMemory(let worker): order(.measureMemory(worker))
        case .interrupt(let id, let worker, let attempt, let element):
            let message = CancelMessage(
                id: id.rawValue, attempt: attempt, kind: .interrupt, element: element.map { UInt32($0) })
            append(.cancel(message), to: worker, &work)
        case .expired(let job, let element, let worker, let execution):
            let errors = (job as? ElementsJob)?.errorCount(of: element) ?? 0
            let error = TaskTimeoutError(
                .hard, limit: .nanoseconds(job.limits.hard), functionName: job.function.name, element: element,
                attempt: execution + errors, processID: link(worker, &work)?.pid ?? 0)
            if let observer, let link = link(worker, &work) {
                tell(
                    observer, of: job, on: link, failures: 1, runTime: job.limits.hard,
                    ended: futures_monotonic_nanoseconds(), outcome: .lost("it took too long"))
            }
            fail(job, element: element, error, &work)
        case .takeBackOver(let id, let isCancelled):
            core.withLock { $0.takeBacks.removeValue(forKey: id) }?.answered(isCancelled)
        case .requeued(let job):
            job.future.markUnsent()
        case .retried(let job, let element):
            job.future.tellRetried(element == nil ? job.retryCount : 1)
        case .fail(let job, let error):
            fail(job, element: nil, error, &work)
        case .failElement(let job, let element, let error):
            fail(job, element: element, error, &work)
        case .cancel(let job):
            // It may have run, in a worker that was lost.
            job.cancel(&work.notifications)
        case .drain(let worker):
            // Without a link its start is still with the driver's thread, which carries this out after that.
            if link(worker, &work) == nil { order(.drain(worker)) } else { drain(worker, &work) }
        case .spawn(let worker): order(.spawn(worker))
        case .kill(let worker, let signal): order(.kill(worker, signal: signal))
        case .startTimedOut(let worker): order(.startTimedOut(worker))
        case .release(let worker): order(.release(worker))
        case .roomAppeared: room.raise()
        case .deadlineChanged: wakeThread()
        case .finished:
            let hasNews = !work.notifications.isEmpty
            let isLater = core.withLock { core in
                core.isFinishDue = hasNews || !core.tellers.isEmpty
                return core.isFinishDue
            }
            if !isLater { finish() }
        }
    }

    private func fail(_ job: PoolJob, element: Int?, _ error: any Error, _ work: inout SettlingWork) {
        guard let element else { return job.fail(error, &work.notifications) }
        (job as? ElementsJob)?.fail(element: element, error, &work.notifications)
    }

    private func carryOut(_ write: DriverWrite, _ work: inout SettlingWork) {
        switch write {
        case .flush(let worker):
            guard let link = link(worker, &work) else { return }
            link.isWaitingForRoom = false
            work.touch(link)
        case .initialize(let worker):
            guard let link = link(worker, &work), let initializer else { return }
            switch link.binding(of: initializer.function) {
            case .index(let index):
                let message = TaskMessage(
                    id: Initializer.taskID, function: index, format: initializer.payload.format)
                append(.task(message), payload: initializer.payload, to: worker, &work)
            case .unusable(let error):
                initializerFailed(worker, error)
            }
        case .pong(let worker, let ping):
            // Who asks and asks and does not read is not answered.
            guard let link = link(worker, &work), link.unwrittenPongs < PipeLink.mostUnwrittenPongs else { return }
            link.unwrittenPongs += 1
            append(.pong(ping), payload: .empty, to: link, &work)
        case .drain(let worker): drain(worker, &work)
        case .beginDetaching(let worker):
            link(worker, &work)?.outbox.detachedSize = detachedPayloadSize
            append(.taken, to: worker, &work)
        case .room(let worker, let address):
            // Room that nobody asked for is not used.
            guard let link = link(worker, &work), !link.isPutting, let bytes = link.outbox.detachedPayload else {
                return
            }
            link.isPutting = true
            order(.put(worker, bytes, address: address))
        case .payloadPut(let worker):
            guard let link = link(worker, &work), link.isPutting else { return }
            link.isPutting = false
            guard link.outbox.awaitsDetached else { return }
            link.outbox.detachedPayloadIsThere()
            work.touch(link)
        case .payloadTaken(let worker): append(.taken, to: worker, &work)
        }
    }

    private func drain(_ worker: WorkerID, _ work: inout SettlingWork) {
        append(.drain(Drain(reason: "the pool needs this worker no longer")), to: worker, &work)
    }

    private func send(
        _ id: TaskID, _ job: PoolJob, to worker: WorkerID, attempt: UInt32, _ work: inout SettlingWork
    ) {
        // Without a link the worker has just gone, and the task was failed with it.
        guard let link = link(worker, &work) else { return }
        guard job.future.markSent() else { return notSent(id, worker) }
        let index: UInt32
        switch link.binding(of: job.function) {
        case .index(let found): index = found
        case .unusable(let error):
            job.fail(error, &work.notifications)
            return notSent(id, worker)
        }
        let ranges = job.elementCount == nil ? [] : (job as? ElementsJob)?.beginAttempt() ?? []
        let payload = job.payload
        if let message = excess(payload.bytes.count, of: job, ranges.count, for: link) {
            let error = TransportError(.encodingArguments, functionName: job.function.name, message: message)
            job.fail(error, &work.notifications)
            return notSent(id, worker)
        }
        if let count = job.elementCount {
            let message = ChunkMessage(
                id: id.rawValue, attempt: attempt, function: index, format: payload.format, count: UInt32(count),
                ranges: ranges.map { UInt32($0.lowerBound)..<UInt32($0.upperBound) },
                isInParts: keepsElements || job.limits != .none,
                timesElements: job.limits != .none)
            append(.chunk(message), payload: payload, to: link, &work)
        } else {
            let message = TaskMessage(id: id.rawValue, attempt: attempt, function: index, format: payload.format)
            append(.task(message), payload: payload, to: link, &work)
        }
    }

    /// What of a call, whose arguments take `size` bytes, is more than the worker takes, in words.
    private func excess(_ size: Int, of job: PoolJob, _ rangeCount: Int, for link: PipeLink) -> String? {
        let count = job.elementCount ?? 0
        if size > link.limits.maxPayloadSize {
            return """
                they take \(size) bytes, and \(link.name) accepts at most \(link.limits.maxPayloadSize); split the call, or pass \
                a file's path
                """
        }
        if count > link.limits.maxCount {
            return "they are a chunk of \(count) elements, and \(link.name) accepts at most \(link.limits.maxCount)"
        }
        // Eight bytes for each, and less than a hundred for the other fields.
        if rangeCount > 0, UInt64(8 * rangeCount + 100) > link.limits.maxMessageSize {
            return """
                what is left of a chunk of \(count) elements is in \(rangeCount) places, and \(link.name) accepts messages of at \
                most \(link.limits.maxMessageSize) bytes
                """
        }
        return nil
    }

    private func notSent(_ id: TaskID, _ worker: WorkerID) {
        let now = futures_monotonic_nanoseconds()
        record { state, actions in state.taskWasNotSent(id, to: worker, now: now, &actions) }
    }

    private func append(
        _ message: Message, payload: Payload = .empty, to worker: WorkerID, _ work: inout SettlingWork
    ) {
        guard let link = link(worker, &work) else { return }
        append(message, payload: payload, to: link, &work)
    }

    private func append(_ message: Message, payload: Payload, to link: PipeLink, _ work: inout SettlingWork) {
        guard !link.isClosedByWorker else { return }
        do {
            try link.outbox.append(message, payload: payload)
        } catch {
            // Only a message part of 4 GiB throws, and ours has a handful of numbers.
            preconditionFailure("a message to worker \(link.id) cannot be packed: \(error)")
        }
        work.touch(link)
    }

    private func flush(_ link: PipeLink) {
        guard !link.isWaitingForRoom, !link.isClosedByWorker else { return }
        switch link.flush() {
        case .done, .awaitsDetached: break
        case .full:
            link.isWaitingForRoom = true
            PoolLoop.watchForRoom(link, epoll: epoll)
        case .closed:
            // Mostly its end follows at once and says more; a worker that only stopped reading is given up soon.
            link.isClosedByWorker = true
            order(.watchClosedWire(link.id))
        }
    }

    func order(_ command: DriverCommand) {
        core.withLock { $0.commands.append(command) }
        wakeThread()
    }

    private func finish() {
        if thread.endUnstarted() {
            termination.fulfil(())
        } else {
            order(.finish)
        }
    }

    /// Nobody can use a worker whose initializer failed, and the next one would fail the same way.
    func initializerFailed(_ worker: WorkerID, _ cause: any Error) {
        let name = initializer?.function.name ?? ""
        let error = BrokenProcessPool(reason: "the initializer \"\(name)\" failed in a worker", cause: cause)
        let now = futures_monotonic_nanoseconds()
        record { state, actions in
            state.workerFailedToStart(worker, error, isFatal: true, hasProcess: true, now: now, &actions)
        }
    }
}

extension PoolDriver.SettlingWork {
    mutating func touch(_ link: PipeLink) {
        if touched.last !== link, !touched.contains(where: { $0 === link }) { touched.append(link) }
    }
}
