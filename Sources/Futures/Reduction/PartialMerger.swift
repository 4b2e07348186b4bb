import DequeModule

/// Says which partial results of a reduction are to be combined when: those of eight neighbours by one call, and what eight such
/// calls give by another. A plain value: partial results come in, groups to combine go out.
struct PartialMerger<Partial: Sendable> {
    /// How many are combined in a call. Each partial result travels `1/(fanIn - 1)` times more than once, and as many calls
    /// are made for it.
    static var fanIn: Int { 8 }

    /// What is known of the results of as many elements: of chunks on level 0, of groups of level n - 1 above. What is on a higher
    /// level is earlier in the input.
    private struct Level {
        /// In order; behind them those that are being combined.
        var there: [Partial] = []
        var combining: Deque<Future<Partial>> = []
    }

    enum Step {
        /// They are to be combined; ``began(_:)`` is told the call.
        case combine([Partial])
        /// It is to be waited for; ``combined(_:)`` is told what it gave.
        case wait(Future<Partial>)
        /// More is needed, or, when finishing, this is the result.
        case done(Partial?)
    }

    private var levels = [Level()]
    /// What the last step was about.
    private var pending = 0
    private var isLastGroup = false
    private var last: Future<Partial>?

    /// The next partial result, of a chunk.
    mutating func add(_ partial: Partial) { levels[0].there.append(partial) }

    /// What is to be done before the next partial result is taken.
    ///
    /// - Parameter isFinishing: whether there is none.
    mutating func next(isFinishing: Bool) -> Step {
        for index in levels.indices {
            if levels[index].there.count >= Self.fanIn {
                pending = index + 1
                if pending == levels.count { levels.append(Level()) }
                defer { levels[index].there = [] }
                return .combine(levels[index].there)
            }
            guard let first = levels[index].combining.first else { continue }
            if isFinishing || first.isDone || levels[index].combining.count >= Self.fanIn {
                pending = index
                return .wait(first)
            }
        }
        guard isFinishing else { return .done(nil) }
        if let last { return .wait(last) }
        let rest = levels.reversed().flatMap(\.there)
        if rest.count <= 1 { return .done(rest.first) }
        isLastGroup = true
        return .combine(rest)
    }

    mutating func began(_ future: Future<Partial>) {
        if isLastGroup { last = future } else { levels[pending].combining.append(future) }
    }

    mutating func combined(_ partial: Partial) {
        if last != nil {
            last = nil
            levels = [Level(there: [partial])]
            return
        }
        levels[pending].combining.removeFirst()
        levels[pending].there.append(partial)
    }

    /// Of what is being combined.
    var futures: [AnyFuture] { levels.flatMap(\.combining) + (last.map { [$0] } ?? []) }
}
