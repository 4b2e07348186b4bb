import TestSupport
import Testing

@testable import Futures

@Suite struct BacklogTests {
    @Test("the highest priority comes first, equal ones in the order they came", .proves(.S2))
    func order() {
        var queue = PriorityQueue<String>()
        #expect(queue.popFirst() == nil)
        for (name, priority) in [("a", 0), ("b", 5), ("c", -1), ("d", 5), ("e", 0), ("f", .max), ("g", .min)] {
            queue.append(name, priority: priority)
        }
        queue.prepend("first of 5", priority: 5)
        queue.prepend("first of 0", priority: 0)
        #expect(queue.count == 9)
        var all: [String] = []
        while let next = queue.popFirst() { all.append(next) }
        #expect(all == ["f", "first of 5", "b", "d", "first of 0", "a", "e", "c", "g"])
        #expect(queue.count == 0)
    }

    @Test("as a sorted array would, in any order of calls", arguments: 0..<5)
    func model(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = PriorityQueue<Int>()
        // Sorted by priority, then by place.
        var model: [(priority: Int, place: Int)] = []
        for place in 0..<2_000 {
            switch random.next() % 8 {
            case 0...3:
                let priority = Int(random.next() % 7) - 3
                queue.append(place, priority: priority)
                model.append((priority, place))
            case 4:
                let priority = Int(random.next() % 7) - 3
                queue.prepend(place, priority: priority)
                model.append((priority, -place))
            case 5...6:
                let first = model.indices.max { left, right in
                    (model[left].priority, -model[left].place) < (model[right].priority, -model[right].place)
                }
                #expect(queue.popFirst() == first.map { abs(model.remove(at: $0).place) })
            default:
                guard random.next() % 16 == 0 else { continue }
                queue.removeAll { $0 % 3 == 0 }
                model.removeAll { $0.place % 3 == 0 }
            }
            #expect(queue.count == model.count)
        }
    }

    @Test("what is given up while nothing is reached takes no room")
    func givenUp() {
        var backlog = Backlog()
        var tasks = TaskTable<Int>()
        let kept = tasks.insert(0)
        backlog.append(kept, priority: 0)
        for number in 1..<10_000 {
            let id = tasks.insert(number)
            backlog.append(id, priority: number % 3)
            tasks.remove(id)
            backlog.removed(where: tasks.waits)
            #expect(backlog.count == 1)
            #expect(backlog.entryCount < 70)
        }
        #expect(backlog.popFirst(where: tasks.waits) == kept)
        #expect(backlog.popFirst(where: tasks.waits) == nil)
    }
}
