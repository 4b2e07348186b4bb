import DequeModule

/// In which order the results of a map are handed out.
@usableFromInline
enum MapOrder: Sendable { case ofInput, ofCompletion }

/// What a map has submitted and not handed out, and where its input stands.
///
/// The consumers (``MapCursor``), the futures of a map without order, and the reading task of asynchronous input share it.
/// Reading and submitting are the user's code or may take a while, so they happen with no lock held; one thread at a time
/// has its turn with the input.
final class MapBuffer: Sendable {
    private struct State {
        /// Submitted and not begun to be handed out, in the order of the input.
        var parts: Deque<MapPart> = []
        /// In the order of completion: the parts by number, and which of them are done, first come first.
        var unordered: [Int: MapPart] = [:]
        var arrived: Deque<Int> = []
        /// The one that is being handed out.
        var current: MapPartReader?
        var currentMeasurement: PartMeasurement?
        var currentArgumentBytes = 0
        var input = Input.ended
        /// All that the input has was submitted.
        var hasWholeInput = false
        /// A consumer whose task was cancelled wants no more of the input.
        var isCut = false
        /// The input's own error, for after the results of what was submitted before.
        var inputFailure: (any Error)?
        var window: MapWindow
        var submittedParts = 0
        var submittedElements = 0
        /// Of what was begun to be handed out, or dropped at the end.
        var failures = PartFailures()
        /// Of what a journal had.
        var resumedElements = 0
        /// Counts for those who watch; nil while nobody does.
        var tally: MapTally?
        var hasBegun = false

        var hasMoreInput: Bool {
            if case .ended = input { return false }
            return true
        }
        var futures: [AnyFuture] { parts.map { $0.future } + unordered.values.map { $0.future } }

        /// Nobody will take its results. What is not done by now does not count, also if it completes.
        mutating func drop(_ part: MapPart, of resultType: MapResultType) {
            failures.add(
                part.future.isDone ? resultType.failures(of: part) : PartFailures(cancelled: part.count))
        }
    }

    private enum Input {
        /// All was submitted, or nobody wants the rest.
        case ended
        case waiting(MapInput)
        /// A thread has its turn with it.
        case reading
        /// A task reads it.
        case asynchronous(AsyncMapInput, Task<Void, Never>?)
    }

    /// What a consumer is to do next.
    enum Step {
        /// Something was handed out; with `mayReadOn` there is room for more of the input.
        case taken(mayReadOn: Bool)
        /// The input's own error is handed out.
        case failed(any Error)
        /// Until the future is done.
        case wait(AnyFuture)
        /// Until something has changed, by ``changes``.
        case waitForChange
        case readInput
        case end
    }

    enum Turn {
        case done
        /// The executor's backlog is full.
        case heldUp(BacklogRoom)
    }

    private let state: Mutex<State>
    private let resultType: MapResultType
    private let order: MapOrder
    /// Reads on whenever a part is done, also without a consumer.
    private let readsAhead: Bool
    /// Whether parts tell when they are done, before it is their turn.
    private let isTold: Bool
    /// Whether the input is submitted as far as there is room, and not all at once.
    private let isLazy: Bool
    private let source: MapProgressSource
    /// Raised when the input got on, or a part is done out of order.
    let changes = Signal()
    /// Where consumers sleep until there is room.
    private let rooms = Mutex<(last: Int, byNumber: [Int: BacklogRoom])>((0, [:]))

    init(of resultType: MapResultType, order: MapOrder, window: MapWindow, source: MapProgressSource) {
        self.resultType = resultType
        self.source = source
        self.order = order
        readsAhead = window.readsAhead
        isTold = order == .ofCompletion || window.isTold
        isLazy = window.elementLimit < .max || window.byteLimit != nil
        state = Mutex(State(window: window))
    }

    // MARK: Input

    /// Submits what the buffer has room for, the whole input without a buffer size.
    func begin(_ input: MapInput) throws {
        do {
            let isAtEnd = try submit(input)
            if isAtEnd {
                state.withLock { $0.hasWholeInput = true }
                return
            }
            state.withLock { $0.input = .waiting(input) }
            // What was done before that moment found nobody to read on.
            if readsAhead { readOn() }
        } catch is BacklogFullError where isLazy {
            // Nothing is lost: what was read is submitted when there is room, by who takes results.
            state.withLock { $0.input = .waiting(input) }
        } catch {
            end()
            throw error
        }
    }

    /// Submits what the buffer has room for, and says whether that was the end of the input.
    private func submit(_ input: MapInput) throws -> Bool {
        while let sizer = state.withLock({ $0.window.hasRoom ? $0.window.sizer : nil }) {
            let parts = try input.submitNext(sizer)
            if parts.isEmpty { return true }
            append(parts)
            changes.raise()
        }
        return false
    }

    private func append(_ parts: [MapPart]) {
        let (first, tally) = state.withLock { state in
            let first = state.submittedParts
            for (index, part) in parts.enumerated() {
                var part = part
                part.first = state.submittedElements
                state.submittedElements += part.count
                if part.isResumed { state.resumedElements += part.count }
                switch order {
                case .ofInput: state.parts.append(part)
                case .ofCompletion: state.unordered[first + index] = part
                }
                state.window.submitted(elements: part.count, bytes: part.argumentBytes)
            }
            state.submittedParts += parts.count
            return (first, state.tally)
        }
        if let tally { for part in parts { tally.watch(part, of: resultType, isNew: true) } }
        for (index, part) in parts.enumerated() where isTold {
            let observer = PartObserver(self, first + index, part)
            if !part.future.addObserver(observer) { finished(first + index, part) }
            // Submitting runs the user's code, so it is not for observers. Whoever takes results does it as well, should
            // other callbacks hold this one up.
            if readsAhead { part.future.addCallback { _ in self.readOn() } }
        }
    }

    /// A part of a map that ``isTold`` is done.
    fileprivate func finished(_ number: Int, _ part: MapPart) {
        let measured = resultType.measurement(of: part)
        state.withLock { state in
            state.window.finished(elements: part.count, argumentBytes: part.argumentBytes, measured)
            if order == .ofCompletion { state.arrived.append(number) }
        }
        raiseChanges()
    }

    /// Has its turn with the input if there is room for more and nobody else has it.
    @discardableResult
    func readOn() -> Turn {
        while true {
            let turn = state.withLock { state -> MapInput? in
                guard case .waiting(let input) = state.input, state.window.hasRoom else { return nil }
                state.input = .reading
                return input
            }
            // Looks again after a turn: room that came meanwhile was left to the one who read.
            guard let input = turn else { return .done }
            if case .heldUp(let room) = haveTurn(input) { return .heldUp(room) }
        }
    }

    private func haveTurn(_ input: MapInput) -> Turn {
        var isAtEnd = true
        var turn = Turn.done
        do {
            isAtEnd = try submit(input)
        } catch let error as BacklogFullError {
            isAtEnd = false
            turn = .heldUp(error.room)
        } catch {
            state.withLock { $0.inputFailure = error }
        }
        let wasEnded = state.withLock { state in
            guard case .reading = state.input else { return true }
            state.input = isAtEnd ? .ended : .waiting(input)
            if isAtEnd, state.inputFailure == nil { state.hasWholeInput = true }
            return false
        }
        if wasEnded { end() }
        if isAtEnd { tellInputEnded() }
        // Those who are held up as well learn nothing by that, and would only hold up this one.
        if case .heldUp = turn { changes.raise() } else { raiseChanges() }
        return turn
    }

    // MARK: Asynchronous input

    /// Starts the task that reads and submits.
    func begin(_ input: AsyncMapInput) {
        state.withLock { $0.input = .asynchronous(input, nil) }
        let task = Task.detached { await self.read(input) }
        let isWanted = state.withLock { state in
            guard case .asynchronous = state.input else { return false }
            state.input = .asynchronous(input, task)
            return true
        }
        // It may have come to the end already; then cancelling it makes no difference.
        if !isWanted { task.cancel() }
    }

    private func read(_ input: AsyncMapInput) async {
        do {
            while let sizer = await untilRoom(), try await input.readNext(sizer) {
                guard let parts = try await submitWhenRoom(input) else { return }
                append(parts)
                changes.raise()
                guard isWanted else {
                    // Without a consumer what was submitted is computed all the same.
                    if state.withLock({ $0.hasBegun }) { end() }
                    return
                }
            }
            state.withLock { state in
                if case .asynchronous = state.input { state.hasWholeInput = true }
            }
        } catch {
            state.withLock { state in
                if case .asynchronous = state.input { state.inputFailure = error }
            }
        }
        // Before anybody learns that it is over.
        input.end()
        state.withLock { state in
            if case .asynchronous = state.input { state.input = .ended }
        }
        tellInputEnded()
        changes.raise()
    }

    private var isWanted: Bool {
        state.withLock { state in
            if case .asynchronous = state.input { return true }
            return false
        }
    }

    /// Waits until there is room in the buffer; nil when nobody wants more.
    private func untilRoom() async -> ChunkSizer? {
        while true {
            let seen = changes.count
            let (isWanted, sizer) = state.withLock { state -> (Bool, ChunkSizer?) in
                guard case .asynchronous = state.input else { return (false, nil) }
                return (true, state.window.hasRoom ? state.window.sizer : nil)
            }
            guard isWanted, !Task.isCancelled else { return nil }
            if let sizer { return sizer }
            await changes.sleep(since: seen, until: .never)
        }
    }

    /// Submits, again and again while the executor's backlog is full; nil when nobody wants it any more.
    private func submitWhenRoom(_ input: AsyncMapInput) async throws -> [MapPart]? {
        while true {
            do {
                return try input.submitNext()
            } catch let error as BacklogFullError {
                guard isWanted, !Task.isCancelled else { return nil }
                await error.room.wait(until: .never)
            }
        }
    }

    // MARK: Results

    /// What a consumer is to do next. With room for more of the input it is to call ``readOn()``.
    ///
    /// - Parameter take: takes what it wants, at least one, of what is left of the part that is being handed out, and returns how
    ///   many elements that were. Called with the lock held.
    func step(_ take: (MapPartReader) -> Int) -> Step {
        let step = state.withLock { nextStep(&$0, take) }
        // A task that reads waits for it.
        if case .taken(mayReadOn: true) = step { changes.raise() }
        return step
    }

    private func nextStep(_ state: inout State, _ take: (MapPartReader) -> Int) -> Step {
        state.hasBegun = true
        while true {
            if let reader = state.current, reader.left > 0 {
                state.window.handedOut(elements: take(reader))
                if reader.left == 0 {
                    state.window.handedOut(
                        argumentBytes: state.currentArgumentBytes, state.currentMeasurement)
                    state.current = nil
                }
                return .taken(mayReadOn: state.hasMoreInput && state.window.hasRoom)
            }
            state.current = nil
            if let number = state.arrived.popFirst() {
                // A part that is not there was dropped at the end.
                if let part = state.unordered.removeValue(forKey: number) { begin(part, &state) }
                continue
            }
            if let part = state.parts.first {
                guard part.future.isDone else { return waiting(for: part, state) }
                state.parts.removeFirst()
                begin(part, &state)
                continue
            }
            switch state.input {
            case .ended:
                if !state.unordered.isEmpty { return .waitForChange }
                guard let failure = state.inputFailure else { return .end }
                state.inputFailure = nil
                return .failed(failure)
            case .reading, .asynchronous: return .waitForChange
            // Another consumer took the last result and has not come to reading on, or the backlog was full. Without room parts
            // are done of which this was not told yet.
            case .waiting: return state.unordered.isEmpty && state.window.hasRoom ? .readInput : .waitForChange
            }
        }
    }

    /// The next part in order is not done.
    private func waiting(for part: MapPart, _ state: borrowing State) -> Step {
        // Who waits for the part itself learns of it soonest, but not of the map's end.
        guard isTold else { return .wait(part.future) }
        // What others bring may make room meanwhile.
        if case .waiting = state.input, state.window.hasRoom { return .readInput }
        return .waitForChange
    }

    private func begin(_ part: MapPart, _ state: inout State) {
        let measured = resultType.measurement(of: part)
        if !isTold { state.window.finished(elements: part.count, argumentBytes: part.argumentBytes, measured) }
        (state.currentMeasurement, state.currentArgumentBytes) = (measured, part.argumentBytes)
        let reader = resultType.reader(of: part)
        if reader.failureCount > 0 { state.failures.add(resultType.failures(of: part)) }
        state.current = reader
    }

    /// Whether something can be handed out, or there is nothing more.
    var isReady: Bool {
        state.withLock { state in
            if state.current != nil || !state.arrived.isEmpty { return true }
            if let part = state.parts.first { return part.future.isDone }
            return state.unordered.isEmpty && !state.hasMoreInput
        }
    }

    /// How many elements were submitted.
    var submittedElements: Int { state.withLock { $0.submittedElements } }

    /// How many elements were submitted and not handed out.
    var ahead: Int { state.withLock { $0.window.ahead } }

    // MARK: Waiting for room

    /// Sleeps until there may be room in the executor's backlog, or something is to be handed out. Who calls it was held up.
    func waitForRoom(_ room: BacklogRoom, until deadline: Deadline) {
        let number = add(room)
        if !isReady { room.wait(until: deadline) }
        rooms.withLock { $0.byNumber[number] = nil }
    }

    /// The same; suspends the task.
    nonisolated(nonsending) func waitForRoom(_ room: BacklogRoom, until deadline: Deadline) async {
        let number = add(room)
        if !isReady { await room.wait(until: deadline) }
        rooms.withLock { $0.byNumber[number] = nil }
    }

    private func add(_ room: BacklogRoom) -> Int {
        rooms.withLock { rooms in
            rooms.last += 1
            rooms.byNumber[rooms.last] = room
            return rooms.last
        }
    }

    /// Wakes also those who sleep until there is room.
    private func raiseChanges() {
        changes.raise()
        // Whoever comes to sleep after this looks after this.
        for room in rooms.withLock({ $0.byNumber.isEmpty ? [] : Array($0.byNumber.values) }) { room.wakeAll() }
    }

    // MARK: Watching

    /// Counts how far the map is, from now on.
    func tally() -> MapTally {
        let (tally, parts) = state.withLock { state -> (MapTally, [MapPart]) in
            if let tally = state.tally { return (tally, []) }
            // Making an array of an empty deque writes the count of the empty array that all threads share.
            var parts = Array(state.unordered.values)
            parts.append(contentsOf: state.parts)
            let tally = MapTally(
                source, submitted: state.submittedElements,
                done: state.submittedElements - parts.reduce(0) { $0 + $1.count }, failures: state.failures,
                resumed: state.resumedElements)
            state.tally = tally
            return (tally, parts)
        }
        for part in parts { tally.watch(part, of: resultType, isNew: false) }
        let (hasMoreInput, isWhole) = state.withLock { ($0.hasMoreInput, $0.hasWholeInput) }
        if !hasMoreInput { tally.inputEnded(isWhole: isWhole) }
        return tally
    }

    private func tellInputEnded() {
        let (tally, isWhole) = state.withLock { ($0.tally, $0.hasWholeInput) }
        tally?.inputEnded(isWhole: isWhole)
    }

    // MARK: Ending

    /// Nobody holds the results any more.
    func abandoned() {
        let hasBegun = state.withLock { $0.hasBegun }
        // Without a consumer what was submitted is computed all the same; but nobody will make room for more.
        if hasBegun { end() } else if !readsAhead { stopReading() }
    }

    private func stopReading() {
        // Dropped here, with no lock held: that may end a promise to the executor.
        let input = state.withLock { state in
            defer { state.input = .ended }
            return state.input
        }
        if case .asynchronous(let input, let task) = input {
            task?.cancel()
            // The sequence may not heed that, and wait on; what it would be submitted to is let go of all the same.
            input.finish()
        }
        tellInputEnded()
        raiseChanges()
    }

    /// Nothing more is read: the consumer's task was cancelled. What is there is handed out.
    func cut() {
        state.withLock { $0.isCut = true }
        stopReading()
    }

    var isCut: Bool { state.withLock { $0.isCut } }

    /// Cancels what has not begun; there are no more results.
    func end() {
        // Whoever is reading finds it, and cancels what it has read.
        stopReading()
        let (futures, current) = state.withLock { state in
            let (futures, current) = (state.futures, state.current)
            for part in state.parts { state.drop(part, of: resultType) }
            for part in state.unordered.values { state.drop(part, of: resultType) }
            state.parts = []
            state.unordered = [:]
            state.arrived = []
            state.current = nil
            state.inputFailure = nil
            return (futures, current)
        }
        // Results that nobody took end with no lock held: that may run the user's code.
        withExtendedLifetime(current) { AnyFuture.cancelAll(futures) }
        state.withLock { $0.tally }?.mapEnded()
        raiseChanges()
    }

    /// How many parts are unfinished, and how many there were.
    var progress: (unfinished: Int, total: Int) {
        state.withLock { state in (state.futures.count { !$0.isDone }, state.submittedParts) }
    }
}

/// Tells a map that a part of it is done.
private final class PartObserver: CompletionObserver, @unchecked Sendable {
    private let buffer: MapBuffer
    private let number: Int
    private let part: MapPart

    init(_ buffer: MapBuffer, _ number: Int, _ part: MapPart) {
        self.buffer = buffer
        self.number = number
        self.part = part
    }

    override func futureCompleted(failed: Bool) { buffer.finished(number, part) }
}
