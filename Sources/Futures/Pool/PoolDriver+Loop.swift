internal import CProto
import Glibc
import Wire

// The driver's thread: starts and ends processes, reads what they say, and keeps the time.
extension PoolDriver {
    func run() {
        var events = [futures_event](repeating: futures_event(), count: 64)
        while !loop.isFinished {
            carryOutCommands()
            if loop.isFinished { break }
            let count = futures_epoll_wait(epoll.rawValue, &events, Int32(events.count), timeout())
            precondition(count >= 0, "epoll_wait failed with error \(-count): a descriptor was closed by somebody else")
            for event in events[..<Int(count)] { handle(event) }
            copyDetached()
            letTimePass()
            settle()
            turn.sendNotifications()
        }
        loop.passOnLeftOutputs()
        loop.forkServer?.end()
        callbackThread.finish { self.termination.fulfil(()) }
    }

    // MARK: Commands

    private func carryOutCommands() {
        while true {
            var commands: [DriverCommand] = []
            core.withLock { swap(&$0.commands, &commands) }
            if commands.isEmpty { return }
            for command in commands { carryOut(command) }
            settle()
            turn.sendNotifications()
        }
    }

    private func carryOut(_ command: DriverCommand) {
        switch command {
        case .spawn(let worker): spawn(worker)
        case .kill(let worker, let signal): link(worker)?.signal(signal)
        case .startTimedOut(let worker): startTimedOut(worker)
        case .drain(let worker): write(.drain(worker))
        case .watchClosedWire(let worker):
            if let link = link(worker) { wireClosed(link) }
        case .measureProgress(let worker):
            if let link = link(worker) { reading(link) { measureProgress(link) } }
        case .measureMemory(let worker):
            if let link = link(worker) { reading(link) { measureMemory(link) } }
        case .takeDetached(let worker):
            if let link = link(worker) { reading(link) { beginTaking(link) } }
        case .brokeTheRules(let worker):
            if let link = link(worker) { reading(link) { brokeTheRulesElsewhere(link) } }
        case .put(let worker, let bytes, let address):
            if let link = link(worker) { loop.puts.append(DetachedPut(link: link, bytes: bytes, address: address)) }
        case .release(let worker):
            if let relay = link(worker)?.errorOutput.relay { loop.leave(relay) }
            // Its descriptors close with it, and leave the epoll set.
            links.withLock { $0[worker] = nil }
            loop.heldUpOutputs.remove(worker)
            loop.closedWires.remove(worker)
            loop.takes.remove(worker)
            loop.puts.removeAll { $0.link.id == worker }
        case .finish: loop.isFinished = true
        }
    }

    func link(_ id: WorkerID) -> PipeLink? { links.withLock { $0[id] } }

    /// Does something in the reading role of a link. The driver's thread, when it has not got the role.
    func reading(_ link: PipeLink, _ body: () -> Void) {
        link.reading.insist()
        body()
        link.reading.giveBack()
    }

    private func spawn(_ id: WorkerID) {
        do {
            let kills = outOfMemoryWitness.kills()
            if startMethod == .forkServer, loop.forkServer == nil {
                loop.forkServer = ForkServer(command, backtrace: crashBacktrace)
            }
            let process = try command.spawn(limits: workerLimits, backtrace: crashBacktrace, by: loop.forkServer)
            let link = PipeLink(id: id, command: command, process: process, outOfMemoryKills: kills)
            // The worker detaches none before it is told to.
            if detachedPayloadSize != nil { link.decoder.detachedWay = .taken }
            let hello = Hello(
                capabilities: detachedPayloadSize == nil ? [] : [WireCapability.detachedPayloads],
                workerID: id.rawValue, compression: compressions.policy, journalDescriptor: workerJournalDescriptor,
                spinNanoseconds: UInt32(spinTime))
            do {
                try PoolLoop.watch(link, epoll: epoll)
                // Nobody else knows the link yet, so that this thread may use what is the settling role's.
                try link.outbox.append(.hello(hello))
            } catch {
                link.killAndReap()
                throw error
            }
            links.withLock { $0[id] = link }
            write(.flush(id))
        } catch {
            failedToStart(
                id, BrokenProcessPool(reason: "no worker could be started", cause: error),
                isHopeless: (error as? WorkerStartError)?.reason.isLasting ?? false, hasProcess: false)
        }
    }

    private func startTimedOut(_ id: WorkerID) {
        // It may have become ready since.
        guard let link = link(id), core.withLock({ $0.state.isStarting(id) }) else { return }
        let limit = Duration.nanoseconds(startTimeout)
        startFailed(link, link.isWelcomed ? .timedOutInInitializer(limit) : .timedOut(limit))
    }

    /// The worker's handshake failed; its process is still there.
    func startFailed(_ link: PipeLink, _ reason: WorkerStartError.Reason) {
        stopReading(link)
        failedToStart(link.id, startError(link, reason), isHopeless: reason.isLasting, hasProcess: true)
    }

    private func startError(_ link: PipeLink, _ reason: WorkerStartError.Reason) -> BrokenProcessPool {
        BrokenProcessPool(
            reason: "no worker could be started",
            cause: WorkerStartError(
                command: link.command, reason: reason, pid: link.pid, standardError: link.errorOutput.tail))
    }

    private func failedToStart(_ id: WorkerID, _ error: any Error, isHopeless: Bool = false, hasProcess: Bool) {
        let now = futures_monotonic_nanoseconds()
        record { state, actions in
            state.workerFailedToStart(
                id, error, isHopeless: isHopeless, hasProcess: hasProcess, now: now, &actions)
        }
    }

    // MARK: Events

    private func handle(_ event: futures_event) {
        guard event.token != 0 else {
            futures_eventfd_clear(wakeup.rawValue)
            return
        }
        let (id, channel) = PoolLoop.meaning(of: event.token)
        guard let link = link(id) else { return }
        switch channel {
        case .answers:
            if link.reading.takeIfFree() {
                readAnswers(link, turn)
                link.reading.giveBack()
            } else {
                // A thread that waits reads it; it may be about to say so, if it is given the processor.
                sched_yield()
            }
        case .errorOutput: readErrorOutput(link)
        case .process: reading(link) { processEnded(link) }
        case .room:
            _ = futures_epoll_remove(epoll.rawValue, link.toWorker.rawValue)
            write(.flush(id))
        }
        // At once, so that the worker goes on while the other events are looked at; the futures come after.
        settle()
        turn.sendNotifications()
    }

    private func readErrorOutput(_ link: PipeLink) {
        let goesOn = link.errorOutput.read()
        let isHeldUp = link.errorOutput.relay.isHeldUp
        if isHeldUp { loop.heldUpOutputs.insert(link.id) }
        if isHeldUp || !goesOn { _ = futures_epoll_remove(epoll.rawValue, link.errorOutput.descriptor.rawValue) }
    }

    private func retryErrorOutputs() {
        for id in loop.heldUpOutputs {
            guard let link = link(id) else { continue }
            link.errorOutput.relay.passOn()
            guard !link.errorOutput.relay.isHeldUp else { continue }
            loop.heldUpOutputs.remove(id)
            guard !link.errorOutput.hasEnded else { continue }
            _ = futures_epoll_set(
                epoll.rawValue, link.errorOutput.descriptor.rawValue, 1, 0, 0, PoolLoop.token(id, .errorOutput))
        }
        for relay in loop.leftOutputs { relay.passOn() }
        loop.leftOutputs.removeAll { !$0.isHeldUp }
    }

    private func processEnded(_ link: PipeLink) {
        brokeTheRulesElsewhere(link)
        // What it said before it ended counts. Its own children may hold the pipes open: no waiting for their end.
        readWhatIsThere(link)
        guard let status = link.reap() else { return }
        readUnwrittenAnswers(link, turn)
        link.errorOutput.finish()
        let now = futures_monotonic_nanoseconds()
        if core.withLock({ $0.state.isStarting(link.id) }) {
            let reason: WorkerStartError.Reason = link.isWelcomed ? .endedInInitializer(status) : .ended(status)
            failedToStart(link.id, startError(link, reason), hasProcess: true)
        }
        // One that the pool has ended itself is no loss, and was not ended by the kernel for want of memory.
        let report = core.withLock { $0.state.expectsExit(of: link.id) } ? nil : lossReport(link, status)
        let loss = record { state, actions in
            let report = state.expectsExit(of: link.id) ? nil : report
            if let report { state.workerLost(link.id, report, now: now, &actions) }
            state.workerExited(link.id, now: now, &actions)
            return report?.loss
        }
        if let observer {
            if let loss { tell(observer, of: loss, on: link, at: now) }
            observer.workerEnded(link.observed, at: now)
        }
        stopReading(link)
        _ = futures_epoll_remove(epoll.rawValue, link.pidfd.rawValue)
        // Its end would be reported again and again as long as somebody has the link.
        _ = futures_epoll_remove(epoll.rawValue, link.errorOutput.descriptor.rawValue)
    }

    private func lossReport(
        _ link: PipeLink, _ status: TerminationStatus?, cause: LossCause? = nil, reason: String? = nil
    ) -> LossReport {
        let running: LossReport.Running
        var isLastElement = false
        switch link.journal.read() {
        case .unused: running = .first
        case .nothing: running = .nothing
        case .last(let note):
            let progress = progress(note, link)
            running = .task(progress.task, attempt: progress.attempt, element: progress.element)
            isLastElement = progress.isLastElement
        }
        let task = core.withLock { $0.state.task(of: link.id, running) }
        let standardErrorTail = link.errorOutput.tail
        let errors = (task?.job as? ElementsJob)?.errorCount(of: running.element) ?? 0
        let cause =
            cause
            ?? status.map {
                LossCause.classify(
                    $0, processorTime: link.processorTime, standardErrorTail: standardErrorTail, limits: workerLimits
                ) {
                    // Before from its start: two workers may be killed before the end of one of them is noticed.
                    OutOfMemoryWitness.accounts.take(before: link.outOfMemoryKills, after: outOfMemoryWitness.kills())
                }
            } ?? .unknown
        var charge = LossReport.Charge.crash
        if case .outOfMemory = cause { charge = .memory }
        let loss = WorkerLoss(
            processID: link.pid, status: status, cause: cause, functionName: task?.job.function.name,
            taskID: task?.id.rawValue, element: running.element, attempt: (task?.execution ?? 1) + errors,
            standardErrorTail: standardErrorTail)
        return LossReport(
            loss, running: running, isLastElement: isLastElement, reason: reason ?? "a worker process ended abruptly",
            charge: charge)
    }

    private func progress(_ note: WorkerJournal.Note, _ link: PipeLink) -> TaskProgress {
        let task = TaskID(rawValue: note.task)
        let element = note.element.map { Int($0) }
        let job = core.withLock { $0.state.job(of: task, heldBy: link.id, attempt: note.attempt) }
        // The journal is the worker's word: of an element that cannot be, nothing is said.
        let left = (job as? ElementsJob)?.elementsLeft(at: element)
        return TaskProgress(
            task: task, attempt: note.attempt, element: left == nil ? nil : element, since: note.since,
            isLastElement: left == 1, isBetweenElements: job is ElementsJob && left == nil)
    }

    private func measureProgress(_ link: PipeLink) {
        // What it has told of the chunk counts before an element of it is given up.
        readWhatIsThere(link)
        var progress: TaskProgress?
        if case .last(let note) = link.journal.read() { progress = self.progress(note, link) }
        let now = futures_monotonic_nanoseconds()
        record { [progress] state, actions in
            let head = state.head(of: link.id).flatMap { state.job(of: $0) }
            state.progressMeasured(
                link.id, progress, headHasElements: head is ElementsJob, now: now, &actions)
        }
    }

    private func measureMemory(_ link: PipeLink) {
        guard let memory = ProcessMemory(of: link.pid)?.own else { return }
        let now = futures_monotonic_nanoseconds()
        guard let most = workerLimits.residentMemory, memory > most else {
            record { state, actions in state.memoryMeasured(link.id, memory, now: now, &actions) }
            return
        }
        // It may have finished something since.
        readWhatIsThere(link)
        if core.withLock({ $0.state.isStarting(link.id) }) {
            return startFailed(link, .tooMuchMemory(memory))
        }
        let report = lossReport(
            link, nil, cause: .outOfMemory(.residentMemory), reason: "a worker process had \(memory) bytes of memory")
        record { state, actions in state.workerLost(link.id, report, now: now, &actions) }
        if let observer { tell(observer, of: report.loss, on: link, at: now) }
    }

    func stopReading(_ link: PipeLink) {
        guard !link.hasStoppedReading else { return }
        link.hasStoppedReading = true
        _ = futures_epoll_remove(epoll.rawValue, link.fromWorker.rawValue)
    }

    /// The worker closed one of its ends. Normally it is about to end, which says more.
    func wireClosed(_ link: PipeLink) {
        guard link.closedDeadline == nil else { return }
        link.closedDeadline = futures_monotonic_nanoseconds() + PoolLoop.closedWireGrace
        loop.closedWires.insert(link.id)
    }

    /// Another thread may have read what cannot be understood.
    private func brokeTheRulesElsewhere(_ link: PipeLink) {
        guard let what = link.brokenRule else { return }
        link.brokenRule = nil
        brokeTheRules(link, what)
    }

    /// The worker is alive, but what it does cannot be understood.
    func brokeTheRules(_ link: PipeLink, _ what: String) {
        stopReading(link)
        link.isUnintelligible = true
        guard thread.isCurrent else {
            link.brokenRule = what
            return order(.brokeTheRules(link.id))
        }
        guard link.isWelcomed else { return startFailed(link, .notTheProtocol(what)) }
        if core.withLock({ $0.state.isStarting(link.id) }) {
            return startFailed(link, .notTheProtocolInInitializer(what))
        }
        let report = lossReport(link, nil, reason: "a worker broke the rules of the wire (\(what))")
        let now = futures_monotonic_nanoseconds()
        record { state, actions in state.workerLost(link.id, report, now: now, &actions) }
        if let observer { tell(observer, of: report.loss, on: link, at: now) }
    }

    // MARK: Time

    /// Milliseconds until something is due; -1 without a limit.
    private func timeout() -> Int32 {
        var next = core.withLock { $0.commands.isEmpty ? $0.state.nextDeadline : .min }
        for id in loop.closedWires {
            if let deadline = link(id)?.closedDeadline { next = min(next ?? .max, deadline) }
        }
        if loop.isCopying { return 0 }
        if next == nil, !loop.holdsOutput { return -1 }
        if next == .min { return 0 }
        let now = futures_monotonic_nanoseconds()
        var wait = next.map { max(0, $0 - now) } ?? .max
        if loop.holdsOutput { wait = min(wait, PoolLoop.errorOutputRetry) }
        return Int32(min((wait + 999_999) / 1_000_000, 3_600_000))
    }

    private func letTimePass() {
        let now = futures_monotonic_nanoseconds()
        core.withLock { core in
            guard let deadline = core.state.nextDeadline, deadline <= now else { return }
            core.state.timePassed(now: now, &core.actions)
        }
        for id in loop.closedWires {
            guard let link = link(id), let deadline = link.closedDeadline, deadline <= now else { continue }
            loop.closedWires.remove(id)
            reading(link) { brokeTheRules(link, "it closed its end without exiting") }
        }
        if loop.holdsOutput { retryErrorOutputs() }
    }
}
