import DequeModule

/// A first-in, first-out queue whose elements can be taken out by the ticket they got, in constant time.
struct TicketQueue<Element> {
    /// Elements taken out by ticket leave a gap, which goes when it is the first.
    private var slots: Deque<Element?> = []
    private var firstTicket: UInt64 = 0
    private(set) var count = 0
    /// Elements and gaps, for tests.
    var slotCount: Int { slots.count }

    var isEmpty: Bool { count == 0 }

    /// Tickets count up from 0.
    mutating func append(_ element: Element) -> UInt64 {
        slots.append(element)
        count += 1
        return firstTicket + UInt64(slots.count) - 1
    }

    mutating func popFirst() -> Element? {
        while let slot = slots.popFirst() {
            firstTicket += 1
            if let element = slot {
                count -= 1
                return element
            }
        }
        return nil
    }

    /// Takes an element out; nil if it is not in the queue any more.
    mutating func remove(_ ticket: UInt64) -> Element? {
        guard ticket >= firstTicket, ticket - firstTicket < UInt64(slots.count) else { return nil }
        let index = Int(ticket - firstTicket)
        guard let element = slots[index] else { return nil }
        slots[index] = nil
        count -= 1
        // While all threads are held up nothing is popped, and work may be submitted and given up without end.
        while case .some(.none) = slots.first {
            slots.removeFirst()
            firstTicket += 1
        }
        return element
    }

    mutating func removeAll() -> [Element] {
        var all: [Element] = []
        all.reserveCapacity(count)
        while let element = popFirst() { all.append(element) }
        return all
    }
}
