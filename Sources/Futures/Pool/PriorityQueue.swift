import DequeModule
import HeapModule

/// Elements by priority, the highest first; first in, first out among equals.
///
/// - Complexity: constant for priority 0, which nearly everything has; for others O(log *k*) with *k* different priorities.
struct PriorityQueue<Element> {
    private var ordinary: Deque<Element> = []
    /// Those of other priorities; none of them is empty.
    private var others: [Int: Deque<Element>] = [:]
    /// The keys of `others`.
    private var priorities = Heap<Int>()

    private(set) var count = 0

    mutating func append(_ element: Element, priority: Int) {
        count += 1
        guard priority != 0 else { return ordinary.append(element) }
        if others[priority] == nil { priorities.insert(priority) }
        others[priority, default: []].append(element)
    }

    /// Puts an element back that was the first of its priority.
    mutating func prepend(_ element: Element, priority: Int) {
        count += 1
        guard priority != 0 else { return ordinary.prepend(element) }
        if others[priority] == nil { priorities.insert(priority) }
        others[priority, default: []].prepend(element)
    }

    mutating func popFirst() -> Element? {
        if let highest = priorities.max, highest > 0 || ordinary.isEmpty { return popFirst(of: highest) }
        guard let element = ordinary.popFirst() else { return nil }
        count -= 1
        return element
    }

    private mutating func popFirst(of highest: Int) -> Element? {
        let element = others[highest]?.popFirst()
        count -= 1
        if others[highest]?.isEmpty != false {
            others[highest] = nil
            priorities.removeMax()
        }
        return element
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        ordinary.removeAll(where: isUnwanted)
        for priority in others.keys {
            others[priority]?.removeAll(where: isUnwanted)
            if others[priority]?.isEmpty == true { others[priority] = nil }
        }
        priorities = Heap(others.keys)
        count = others.values.reduce(ordinary.count) { $0 + $1.count }
    }

    mutating func removeAll() { self = PriorityQueue() }
}
