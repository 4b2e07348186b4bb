internal import CProto
import Glibc
import Wire

// What workers say. For the thread that has the link's reading role, whichever it is.
extension PoolDriver {
    /// Reads once from the worker, and takes in all whole frames. The end of the pipe, and errors, are found by the driver's
    /// thread alone.
    ///
    /// - Returns: whether there was something.
    @discardableResult
    func readAnswers(_ link: PipeLink, _ turn: ReadingTurn) -> Bool {
        guard !link.hasStoppedReading else { return false }
        if link.decoder.awaitsDetached {
            // Another thread may have read that there is one, and ordered this.
            beginTaking(link)
            return link.hasStoppedReading ? false : takeDetached(link, turn)
        }
        let result = link.decoder.withFreeSpace { space in
            let result = link.fromWorker.read(into: space)
            guard case .bytes(let count) = result else { return (count: 0, result: result) }
            return (count: count, result: result)
        }
        switch result {
        case .wouldBlock: return false
        case .bytes(let count):
            link.received += UInt64(count)
            takeFrames(link, turn)
            return true
        case .endOfFile:
            guard thread.isCurrent else { return false }
            stopReading(link)
            wireClosed(link)
            return false
        case .failed(let number):
            guard thread.isCurrent else { return false }
            brokeTheRules(link, "reading from it failed: \(String(cString: strerror(number)))")
            return false
        }
    }

    /// Reads what is in the pipe now. What is written meanwhile waits for its turn: it may be more than can ever be read.
    func readWhatIsThere(_ link: PipeLink) {
        let end = link.received + UInt64(futures_readable_bytes(link.fromWorker.rawValue))
        while readAnswers(link, turn), link.received < end || link.decoder.awaitsDetached {}
    }

    /// Takes in what a worker that is gone had finished and not written.
    func readUnwrittenAnswers(_ link: PipeLink, _ turn: ReadingTurn) {
        guard !link.isUnintelligible else { return }
        let bytes = link.journal.unwritten(after: link.received)
        guard !bytes.isEmpty else { return }
        link.received += UInt64(bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = link.decoder.withFreeSpace { space in
                let piece = rest.prefix(space.count)
                space.copyBytes(from: piece)
                return (count: piece.count, result: piece.count)
            }
            rest = rest.dropFirst(count)
            takeFrames(link, turn)
        }
    }

    func takeFrames(_ link: PipeLink, _ turn: ReadingTurn) {
        do {
            while !link.isUnintelligible, try link.decoder.withNextFrame({ try take($0, from: link, turn) }) {}
            takeResults(from: link, turn)
            if link.decoder.awaitsDetached, !link.hasStoppedReading { beginTaking(link) }
        } catch {
            takeResults(from: link, turn)
            brokeTheRules(link, "\(error)")
        }
    }

    /// Hands the results that were collected to the scheduler, and ends their futures.
    private func takeResults(from link: PipeLink, _ turn: ReadingTurn) {
        guard !turn.results.isEmpty else { return }
        let now = futures_monotonic_nanoseconds()
        var results = ResultBatch()
        swap(&results, &turn.results)
        core.withLock { core in
            results.findJobs { answers, accepted in
                core.state.answered(answers, by: link.id, now: now, &core.actions, accepted)
            }
        }
        if let observer {
            for call in results.observed(at: now) {
                tell(observer, of: call.job, on: link, failures: 0, runTime: call.runTime, ended: call.ended)
            }
        }
        results.complete(from: link.origin, &turn.notifications)
        // Its memory is used again.
        swap(&results, &turn.results)
    }

    private func take(_ frame: FrameView, from link: PipeLink, _ turn: ReadingTurn) throws(WireError) {
        let message = try Message(decoding: frame, limits: link.receiveLimits)
        compressions.received(message, frame.payload.count)
        // That of an initializer is no task's.
        if case .result(let result) = message, link.isWelcomed, result.id != Initializer.taskID,
            turn.results.add(result, frame.payload)
        {
            return
        }
        takeResults(from: link, turn)
        if case .welcome(let welcome) = message {
            if link.isWelcomed { return brokeTheRules(link, "it said welcome twice") }
            return welcomed(welcome, link)
        }
        guard link.isWelcomed else {
            return brokeTheRules(link, "its first message is \(frame.kind), not welcome")
        }
        switch message {
        case .result(let result):
            answered(
                result.id, result.attempt, result.runNanoseconds,
                .result(format: result.format, frame), link, turn)
        case .chunkResult(let result) where result.part > 0:
            try partAnswered(result, frame, link)
        case .chunkResult(let result):
            answered(
                result.id, result.attempt, result.runNanoseconds, .chunkResult(result, frame), link, turn)
        case .failure(let failure):
            answered(failure.id, failure.attempt, failure.runNanoseconds, .failure(failure.failure), link, turn)
        case .cancelReply(let reply):
            takeBackAnswered(reply, link)
        case .ping(let ping):
            // A worker may ask, too; whoever settles answers.
            core.withLock { $0.writes.append(.pong(link.id, ping)) }
        case .room(let room): write(.room(link.id, address: room.address))
        case .pong, .goodbye: break
        case .hello, .welcome, .task, .chunk, .cancel, .drain, .taken:
            brokeTheRules(link, "it sent \(frame.kind), which only this side may send")
        }
    }

    private func welcomed(_ welcome: Welcome, _ link: PipeLink) {
        let ours = WireVersion.oldest...WireVersion.current
        if !ours.contains(welcome.wireVersion) {
            return startFailed(link, .version(ours: ours, theirs: welcome.wireVersion))
        }
        if !welcome.error.isEmpty { return startFailed(link, .refused(welcome.error)) }
        link.welcomed(welcome)
        if initializer != nil {
            write(.initialize(link.id))
        } else {
            ready(link)
        }
    }

    private func ready(_ link: PipeLink) {
        beginDetaching(link)
        let now = futures_monotonic_nanoseconds()
        record { state, actions in state.workerReady(link.id, now: now, &actions) }
    }

    private func answered(
        _ id: UInt64, _ attempt: UInt32, _ runTime: UInt64, _ answer: PoolJob.Answer, _ link: PipeLink,
        _ turn: ReadingTurn
    ) {
        guard id != Initializer.taskID else { return initialized(answer, link) }
        let (task, runTime) = (TaskID(rawValue: id), Int64(clamping: runTime))
        if let retries, retries.errors > 0, isRunAgain(answer, by: retries, task, attempt, runTime, link) { return }
        let now = futures_monotonic_nanoseconds()
        let answered = record { state, actions in
            state.answered(task, attempt: attempt, by: link.id, runTime: runTime, now: now, &actions)
        }
        // A late answer, of a task that was failed or cancelled meanwhile.
        guard let (job, isInterruptRequested) = answered else { return }
        if let observer {
            tell(observer, of: job, on: link, failures: failures(answer, of: job), runTime: runTime, ended: now)
        }
        if isInterruptRequested, case .failure(let failure) = answer, failure.place == .interrupted {
            return job.future.cancelByOwner(&turn.notifications)
        }
        job.complete(with: answer, from: link.origin, &turn.notifications)
    }

    /// What becomes of an answer in a pool that retries errors.
    ///
    /// - Returns: whether there is nothing more to do about it: the call, or elements of it, will be run again, or the answer
    ///   is late.
    private func isRunAgain(
        _ answer: PoolJob.Answer, by retries: RetryPolicy, _ task: TaskID, _ attempt: UInt32, _ runTime: Int64,
        _ link: PipeLink
    ) -> Bool {
        guard let job = core.withLock({ $0.state.job(of: task, heldBy: link.id, attempt: attempt) }) else {
            return false
        }
        var elementFailures: Int?
        switch answer {
        case .result: return false
        case .failure(let failure):
            // The user's code: with no lock held.
            guard retries.accepts(job.error(failure, from: link.origin), at: failure.place) else { return false }
        case .chunkResult(let message, let frame):
            guard let job = job as? ElementsJob else { return false }
            elementFailures = job.takeLastPart(message, frame, from: link.origin, retries: retries)
            if elementFailures == nil { return false }
        }
        let now = futures_monotonic_nanoseconds()
        let decision = record { [elementFailures] state, actions in
            state.failedRetryably(
                task, attempt: attempt, by: link.id, runTime: runTime, elementFailures: elementFailures, now: now,
                &actions)
        }
        if case .again = decision, let observer {
            let failures = if case .failure = answer { job.elementCount ?? 1 } else { job.retryCount }
            tell(
                observer, of: job, on: link, failures: failures, runTime: runTime, ended: now, outcome: .failedForNow)
        }
        return decision != .spent
    }

    /// A worker has finished some elements of a chunk.
    private func partAnswered(
        _ message: ChunkResultMessage, _ frame: FrameView, _ link: PipeLink
    ) throws(WireError) {
        let job = core.withLock {
            $0.state.job(of: TaskID(rawValue: message.id), heldBy: link.id, attempt: message.attempt)
        }
        guard let job = job as? ElementsJob else { return }
        try job.takePart(message, frame, from: link.origin, retries: retries)
    }

    private func initialized(_ answer: PoolJob.Answer, _ link: PipeLink) {
        guard let initializer, !link.isInitialized else {
            return brokeTheRules(link, "it answered an initializer that it was not sent")
        }
        link.isInitialized = true
        // It may have been told to end meanwhile.
        guard core.withLock({ $0.state.isStarting(link.id) }) else { return }
        // Nobody wants its result, so that this need not travel.
        guard case .failure(let failure) = answer, failure.place != .encodingResult else { return ready(link) }
        let error = failure.error(
            functionName: initializer.function.name, codecs: initializer.errors, from: link.origin)
        initializerFailed(link.id, error)
    }

    private func takeBackAnswered(_ reply: CancelReply, _ link: PipeLink) {
        let id = TaskID(rawValue: reply.id)
        let now = futures_monotonic_nanoseconds()
        let (waiter, isCancelled, job) = core.withLock { core -> (TakeBackWaiter?, Bool, PoolJob?) in
            let job = core.state.job(of: id)
            let isCancelled = core.state.takeBackAnswered(
                id, attempt: reply.attempt, by: link.id, takenBack: reply.takenBack, now: now, &core.actions)
            guard let isCancelled else { return (nil, false, job) }
            return (core.takeBacks.removeValue(forKey: id), isCancelled, job)
        }
        withExtendedLifetime(job) { waiter?.answered(isCancelled) }
    }
}
