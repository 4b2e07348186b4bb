/// Something that is going to happen in the simulated world.
struct WorldEvent {
    enum Kind: UInt8 {
        // The user.
        case submit, userActs, promiseEnds, shutDown, terminate, withdraw, stopsJob
        // A worker's start is over, one way or the other.
        case startEnds
        // A worker's process: a task reaches it, what it runs (a call, an element) comes to its end, somebody asks for a task
        // back, or wants what it runs to end; it is told to drain; it ends.
        case taskArrives, stepEnds, question, interruption, drain, dies
        // The driver: what a worker said arrives, an answer about a task that was asked back does, it finds out what a
        // worker is at, and how much memory it has, it gives a worker up, or one that does not start.
        case messages, reply, measure, weigh, givesUp, startTimedOut
    }

    var time: Int64
    /// Counts all events: what is planned for the same time happens in the order in which it was planned.
    var order: UInt64 = 0
    var kind: Kind
    /// The place of a worker, or -1.
    var worker: Int32 = -1
    /// Which of those that had the place, or which step: what is not up to date any more does not happen.
    var stamp: UInt32 = 0
    var job: Int32 = -1
    var attempt: UInt32 = 0
    /// An element, or -1; or 1 for yes and 0 for no.
    var detail: Int32 = -1
}

/// What is going to happen, the earliest first. A heap with four branches, in one array.
struct EventQueue {
    private var events: ContiguousArray<WorldEvent> = []
    private var planned: UInt64 = 0

    var isEmpty: Bool { events.isEmpty }
    var nextTime: Int64? { events.first?.time }

    private static func isBefore(_ left: WorldEvent, _ right: WorldEvent) -> Bool {
        left.time < right.time || (left.time == right.time && left.order < right.order)
    }

    mutating func plan(_ event: WorldEvent) {
        planned += 1
        var event = event
        event.order = planned
        events.append(event)
        var place = events.count - 1
        while place > 0 {
            let above = (place - 1) / 4
            guard Self.isBefore(event, events[above]) else { break }
            events[place] = events[above]
            place = above
        }
        events[place] = event
    }

    mutating func popFirst() -> WorldEvent? {
        guard let first = events.first else { return nil }
        let last = events.removeLast()
        guard !events.isEmpty else { return first }
        var place = 0
        while true {
            let below = 4 * place + 1
            guard below < events.count else { break }
            var least = below
            for candidate in below..<min(below + 4, events.count)
            where candidate != below && Self.isBefore(events[candidate], events[least]) {
                least = candidate
            }
            guard Self.isBefore(events[least], last) else { break }
            events[place] = events[least]
            place = least
        }
        events[place] = last
        return first
    }
}
