/// Something that one future tells when it is done: a link in that future's list of observers.
///
/// An observer is in the list of one future at a time; leaving the list takes constant time however many others wait.
/// `@unchecked Sendable`: the links belong to the future's lock, and subclasses guard what they add.
class CompletionObserver: @unchecked Sendable {
    fileprivate var next: CompletionObserver?
    fileprivate unowned(unsafe) var previous: CompletionObserver?
    fileprivate var isLinked = false

    /// Called once, by the completing thread, with no lock held. Must not run the user's code.
    func futureCompleted(failed: Bool) {
        fatalError("an observer that does not observe")
    }

    /// The call, or so many elements of it, failed and will be run again. Any thread, with no lock held.
    func callRetried(_ count: Int) {}

    /// Whether this counts what becomes of the call for the tally.
    func counts(for tally: MapTally) -> Bool { false }
}

/// The observers of one future, first come first told. All of it is guarded by the future's lock.
struct CompletionObserverList: ~Copyable {
    private var first: CompletionObserver?
    private unowned(unsafe) var last: CompletionObserver?

    init() {}

    var isEmpty: Bool { first == nil }

    mutating func append(_ observer: CompletionObserver) {
        precondition(!observer.isLinked, "an observer can wait for one future only")
        observer.isLinked = true
        observer.previous = last
        if let last {
            last.next = observer
        } else {
            first = observer
        }
        last = observer
    }

    /// Takes `observer` out, if it is still in.
    mutating func remove(_ observer: CompletionObserver) {
        guard observer.isLinked else { return }
        let next = observer.next
        let previous = observer.previous
        if let next { next.previous = previous } else { last = previous }
        if let previous { previous.next = next } else { first = next }
        observer.isLinked = false
        observer.next = nil
        observer.previous = nil
    }

    /// The observers in their order.
    var all: [CompletionObserver] {
        var all: [CompletionObserver] = []
        var next = first
        while let observer = next {
            all.append(observer)
            next = observer.next
        }
        return all
    }

    /// Empties the list and gives it to the caller, who alone may touch it now.
    mutating func takeAll() -> CompletionObserverList {
        var taken = CompletionObserverList()
        swap(&taken, &self)
        return taken
    }

    /// Takes out the observer that has waited longest.
    mutating func popFirst() -> CompletionObserver? {
        guard let observer = first else { return nil }
        remove(observer)
        return observer
    }
}
