import Wire

/// A value that many calls share: a handle that is an argument in its place.
///
/// ```swift
/// let table = try pool.share(readTable())
/// let lookUp = Callable("look_up") { (table: Shared<[String: Int]>, word: String) in try table.value[word] }
/// let numbers = try pool.map(lookUp, repeatElement(table, count: words.count), words)
/// ```
///
/// Its bytes do not travel: they lie in memory once, which all workers of this machine map, and each worker decodes them once,
/// when it asks for the ``value``; so does a worker that replaces another. They are there as long as somebody holds the handle or
/// a call with it is not done; workers let go of those that are gone when they see the next one. The handle may be a part of other
/// arguments. Any thread.
public struct Shared<Value: Codable & Sendable>: Sendable {
    let storage: SharedStorage<Value>

    /// The value; decoded at most once in each process.
    ///
    /// - Throws: what decoding throws, where the type does not read what it has written.
    public var value: Value { get throws { try storage.value() } }
}

extension Shared where Value == [UInt8] {
    /// Calls `body` with the bytes where they lie, without a copy. They are there during the call only.
    ///
    /// - Throws: what `body` throws.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        if let mapping = storage.mapping, mapping.encoding == .raw {
            return try withExtendedLifetime(mapping) { try body(mapping.bytes) }
        }
        return try value.withUnsafeBytes(body)
    }
}

extension Executor {
    /// Makes a value an argument of many calls without sending it with each: see ``Shared``.
    ///
    /// The value is encoded once, in this thread; on executors that run calls in this process not at all. The handle is good for
    /// other executors, too.
    ///
    /// - Throws: what encoding throws; ``SystemError`` without memory or descriptors.
    public func share<Value: Codable & Sendable>(_ value: Value) throws -> Shared<Value> {
        let storage = SharedStorage(value)
        if !(self is any LocalExecutor) { try storage.encode() }
        return Shared(storage: storage)
    }
}

extension Shared: Codable {
    /// Writes where the bytes are. The running call holds them.
    ///
    /// - Throws: as ``Executor/share(_:)``, for a handle that no call had among its arguments before.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(try storage.handle().bytes)
    }

    /// Finds the bytes.
    ///
    /// - Throws: an error that says so if they are gone, or these are not a handle's bytes.
    public init(from decoder: any Decoder) throws {
        let bytes = try decoder.singleValueContainer().decode([UInt8].self)
        guard let handle = SharedHandle(bytes) else { throw SharedValueError.malformed }
        switch handle {
        case .place(let place): storage = try SharedStore.current.storage(place, of: Value.self)
        case .payload(let payload): storage = SharedStorage(payload)
        }
    }
}

extension Shared: CustomStringConvertible {
    /// The type, and where it is.
    public var description: String { "Shared<\(Value.self)>" }
}
