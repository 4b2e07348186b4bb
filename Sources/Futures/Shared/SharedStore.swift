import Synchronization

/// The shared values that this process has mapped, so that each is mapped and decoded once; and those that it has shared itself,
/// so that a handle that comes back holds what it names.
final class SharedStore: Sendable {
    static let current = SharedStore()

    private let isWorkers = Atomic<Bool>(false)

    private struct Entry {
        let mapping: SharedMapping
        /// Of each type as which it came, the decoded value.
        var values: [ObjectIdentifier: AnyObject & Sendable] = [:]
    }

    private let entries = Mutex<[SharedSegment.Place: Entry]>([:])

    private struct Own {
        weak var segment: SharedSegment?
        weak var storage: (AnyObject & Sendable)?
    }

    private let ownSegments = Mutex<[SharedID: Own]>([:])

    /// Whether handles come from who started this process: it is a worker.
    var trustsSenders: Bool { isWorkers.load(ordering: .relaxed) }

    func servesPool() { isWorkers.store(true, ordering: .relaxed) }

    /// This process shares it.
    func own(_ segment: SharedSegment, of storage: AnyObject & Sendable) {
        ownSegments.withLock { own in
            own = own.filter { $0.value.segment != nil }
            own[segment.place.id] = Own(segment: segment, storage: storage)
        }
    }

    /// What this process has shared itself, if that is there.
    private func ownStorage<Value>(_ place: SharedSegment.Place, of _: Value.Type) -> SharedStorage<Value>? {
        let (segment, storage) = ownSegments.withLock { ($0[place.id]?.segment, $0[place.id]?.storage) }
        guard let segment, segment.place == place else { return nil }
        return storage as? SharedStorage<Value> ?? SharedStorage(segment)
    }

    /// What is shared there, as the storage of a handle.
    ///
    /// - Throws: ``SharedValueError``; ``SystemError``.
    func storage<Value>(_ place: SharedSegment.Place, of _: Value.Type) throws -> SharedStorage<Value> {
        if let own = ownStorage(place, of: Value.self) { return own }
        let type = ObjectIdentifier(Value.self)
        if let known = entries.withLock({ $0[place]?.values[type] }) {
            return unsafeDowncast(known, to: SharedStorage<Value>.self)
        }
        let known = entries.withLock { $0[place]?.mapping }
        let mapping = try known ?? SharedMapping(place)
        if known == nil { letGo() }
        let storage = SharedStorage<Value>(mapping, place)
        entries.withLock { entries in
            entries[place, default: Entry(mapping: mapping)].values[type] = storage
        }
        return storage
    }

    /// Drops what nobody can send any more.
    private func letGo() {
        let known = entries.withLock { Array($0.keys) }
        let gone = known.filter { !$0.isThere }
        if gone.isEmpty { return }
        // Unmapped with no lock held.
        let dropped = entries.withLock { entries in gone.map { entries.removeValue(forKey: $0) } }
        withExtendedLifetime(dropped) {}
    }
}
