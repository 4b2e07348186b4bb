import Wire

/// What the handles of one shared value hold together.
final class SharedStorage<Value: Codable & Sendable>: Sendable {
    private struct State {
        var value: Value?
        /// In the process that shared it, once it was encoded.
        var segment: SharedSegment?
        /// Where other processes do not find the segment, or it came like this.
        var payload: Payload?
        /// What is shared within the payload; a segment holds its own.
        var contents: [SharedSegment] = []
        /// Once it was asked for.
        var digest: [UInt8]?
    }

    private let state: Mutex<State>
    /// Whether it came from another process.
    private let isForeign: Bool
    /// In the others.
    let mapping: SharedMapping?
    private let place: SharedSegment.Place?

    init(_ value: Value) {
        SharedUse.somethingIsShared()
        state = Mutex(State(value: value))
        isForeign = false
        (mapping, place) = (nil, nil)
    }

    init(_ mapping: SharedMapping, _ place: SharedSegment.Place) {
        SharedUse.somethingIsShared()
        state = Mutex(State())
        isForeign = true
        self.mapping = mapping
        self.place = place
    }

    /// It came back to the process that shared it.
    init(_ segment: SharedSegment) {
        state = Mutex(State(segment: segment))
        isForeign = false
        (mapping, place) = (nil, nil)
    }

    init(_ payload: Payload) {
        SharedUse.somethingIsShared()
        state = Mutex(State(payload: payload))
        isForeign = true
        (mapping, place) = (nil, nil)
    }

    func value() throws -> Value {
        // Decoding is the user's code, but nobody else needs the lock meanwhile than who waits for the very value.
        try state.withLock { state throws in
            if let value = state.value { return value }
            let value = try decode(state)
            state.value = value
            return value
        }
    }

    private func decode(_ state: borrowing State) throws -> Value {
        if let mapping { return try decode(mapping) }
        if let segment = state.segment { return try decode(SharedMapping(segment.place)) }
        guard let payload = state.payload else { throw SharedValueError.gone }
        return try payload.bytes.withUnsafeBytes { try decode($0, payload.format.encoding) }
    }

    private func decode(_ mapping: SharedMapping) throws -> Value {
        try withExtendedLifetime(mapping) { try decode(mapping.bytes, mapping.encoding) }
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, _ encoding: PayloadFormat.Encoding) throws -> Value {
        // There may be as much of it as there is: the limits of calls are for what others send.
        let limits: WireLimits = isForeign && !SharedStore.current.trustsSenders ? .default : .trusting
        var decoder = try PayloadDecoder(bytes, format: encoding == .raw ? .raw : .values, limits: limits)
        let value = try ValueCodec<Value>().decode(from: &decoder)
        try decoder.finish()
        return value
    }

    /// Makes the bytes that other processes see, if there are none, and lets go of the value: whoever needs it decodes it.
    ///
    /// - Throws: what encoding throws; ``SystemError``.
    func encode() throws {
        try state.withLock { state throws in
            guard mapping == nil, state.segment == nil, state.payload == nil, let value = state.value else { return }
            // What is shared within it has to be there as long as these bytes are, whatever they are being encoded for.
            let use = SharedUse.begin()
            defer { use?.end() }
            let payload = try Self.encode(value)
            let contents = use?.segments ?? []
            let segment = try SharedSegment(payload, contents: contents)
            if segment.isReachable {
                state.segment = segment
                SharedStore.current.own(segment, of: self)
            } else {
                (state.payload, state.contents) = (payload, contents)
            }
            state.value = nil
        }
    }

    private static func encode(_ value: Value) throws -> Payload {
        var encoder = PayloadEncoder()
        try ValueCodec<Value>().encode(value, into: &encoder)
        return encoder.finish()
    }

    /// The bytes' checksum and number, in place of the bytes. The same in every run of the program.
    private func digest() throws -> [UInt8] {
        func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
            Array("\(JournalFile.checksum(bytes)) of \(bytes.count)".utf8)
        }
        return try state.withLock { state throws in
            if let known = state.digest { return known }
            if !(state.segment?.contents ?? state.contents).isEmpty {
                // The bytes say where they lie.
                let value = try decode(state)
                let use = SharedUse.begin(isForChecksum: true)
                defer { use?.end() }
                let found = try Self.encode(value).bytes.withUnsafeBytes(digest)
                state.digest = found
                return found
            }
            let mapping = try mapping ?? state.segment.map { try SharedMapping($0.place) }
            let found = mapping.map { digest($0.bytes) } ?? state.payload?.bytes.withUnsafeBytes(digest) ?? []
            state.digest = found
            return found
        }
    }

    /// What travels. The call that is being encoded holds the bytes.
    func handle() throws -> SharedHandle {
        try encode()
        if SharedUse.isForChecksum { return .payload(Payload(bytes: try digest(), format: .raw)) }
        if let place { return .place(place) }
        return try state.withLock { state throws in
            if let segment = state.segment {
                SharedUse.hold(segment)
                return .place(segment.place)
            }
            guard let payload = state.payload else { throw SharedValueError.gone }
            for segment in state.contents { SharedUse.hold(segment) }
            return .payload(payload)
        }
    }
}
