internal import CProto

/// One step of the way from the root of a value to the place that is being encoded or decoded.
///
/// A step is made only for values that have containers of their own; the way becomes an array only for an error.
final class CodingStep {
    let parent: CodingStep?
    let key: any CodingKey
    let depth: Int

    init(parent: CodingStep?, key: any CodingKey) {
        self.parent = parent
        self.key = key
        depth = CodingStep.depth(of: parent) + 1
    }

    /// The depth of the value that `step` leads to; the root has depth 1.
    static func depth(of step: CodingStep?) -> Int { step?.depth ?? 1 }

    /// The keys from the root on, and `key` behind them.
    static func path(_ step: CodingStep?, _ key: (any CodingKey)? = nil) -> [any CodingKey] {
        var keys: [any CodingKey] = []
        if let key { keys.append(key) }
        var step = step
        while let current = step {
            keys.append(current.key)
            step = current.parent
        }
        return keys.reversed()
    }
}

/// The key of an element by its index, and of what a class's superclass encodes.
enum ContainerKey: CodingKey {
    case index(Int)
    case superclass

    init?(stringValue: String) { return nil }
    init?(intValue: Int) { self = .index(intValue) }

    var stringValue: String {
        switch self {
        case .index(let index): "Index \(index)"
        case .superclass: "super"
        }
    }

    var intValue: Int? {
        if case .index(let index) = self { index } else { nil }
    }
}

/// What all containers of one value that is being encoded share.
final class EncodingState {
    /// Owned by the state, since a type may keep its encoder or decoder beyond the call.
    let arena: OpaquePointer
    let maxDepth: Int
    /// Places that were handed out as an encoder of a superclass, which may never use it.
    var superclassPlaces: [UnsafeMutablePointer<CValue>] = []
    /// A mistake that the functions of Encoder cannot throw.
    var mistake: EncodingError?
    /// The last type found to have neither a form of its own nor to be an optional.
    private var plainType: ObjectIdentifier?

    init(maxDepth: Int) {
        arena = futures_arena_acquire()
        self.maxDepth = maxDepth
    }

    deinit {
        futures_arena_release(arena)
    }

    /// Encodes into a place, which belongs to the step `parent` under `key`; the root has neither.
    func encode<T: Encodable>(
        _ value: T, into node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?, _ key: (any CodingKey)?
    ) throws {
        let type = ObjectIdentifier(T.self)
        if type != plainType {
            if let wire = T.self as? any WireValue.Type {
                encodeWire(value, as: wire, into: node)
                return
            }
            if let optional = T.self as? any EncodableOptional.Type {
                try withUnsafePointer(to: value) { pointer in
                    try optional.encodeOptional(UnsafeRawPointer(pointer), into: node, parent, key, self)
                }
                return
            }
            plainType = type
        }
        let step = key.map { CodingStep(parent: parent, key: $0) } ?? parent
        guard CodingStep.depth(of: step) <= maxDepth else {
            throw tooDeep(T.self)
        }
        try value.encode(to: TreeEncoder(state: self, node: node, path: step))
        if let mistake { throw mistake }
        if node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND__NOT_SET {
            // A type that encodes nothing.
            futures_value_make_record(arena, node)
        }
    }

    /// Without the path and the value: the path is as long as the value is deep, and whoever describes the error would
    /// describe the value by a recursion of that depth, which no stack holds.
    ///
    /// - Parameter type: what the error has in the value's place.
    func tooDeep(_ type: Any.Type) -> EncodingError {
        EncodingError.invalidValue(
            type,
            EncodingError.Context(
                codingPath: [], debugDescription: WireError.valueTooDeep(limit: maxDepth).description))
    }

    /// The value of a type with a form of its own.
    private func encodeWire<T, W: WireValue>(_ value: T, as type: W.Type, into node: UnsafeMutablePointer<CValue>) {
        withUnsafePointer(to: value) {
            // T is W, which the compiler cannot know.
            W._encode(
                UnsafeRawPointer($0).assumingMemoryBound(to: W.self).pointee,
                into: ValueSlot(arena: arena, pointer: node))
        }
    }

    /// Ends the encoding of a root.
    func finish() throws {
        if let mistake { throw mistake }
        for place in superclassPlaces where place.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND__NOT_SET {
            futures_value_make_record(arena, place)
        }
    }
}

/// Optionals of types that are encoded through containers. Their own `encode(to:)` cannot tell nil from an optional
/// that holds nil.
protocol EncodableOptional {
    static func encodeOptional(
        _ pointer: UnsafeRawPointer, into node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?,
        _ key: (any CodingKey)?, _ state: EncodingState) throws
}

extension Optional: EncodableOptional where Wrapped: Encodable {
    static func encodeOptional(
        _ pointer: UnsafeRawPointer, into node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?,
        _ key: (any CodingKey)?, _ state: EncodingState
    ) throws {
        node.pointee.null += 1
        if let value = pointer.assumingMemoryBound(to: Wrapped?.self).pointee {
            try state.encode(value, into: node, parent, key)
        } else {
            node.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_NULL
        }
    }
}

/// What all containers of the values of one payload that are being decoded share.
final class DecodingState {
    /// Owned by the state, since a type may keep its encoder or decoder beyond the call.
    let arena: OpaquePointer
    let maxDepth: Int
    /// The last type found to have neither a form of its own nor to be an optional.
    private var plainType: ObjectIdentifier?

    /// Memory that arrays may still take when they are read element by element.
    var memoryLeft: UInt64
    /// A mistake that the functions of Decoder cannot throw.
    var mistake: DecodingError?

    init(arena: OpaquePointer, limits: WireLimits) {
        self.arena = arena
        maxDepth = limits.maxDepth
        memoryLeft = limits.maxMemory
    }

    deinit {
        futures_arena_release(arena)
    }

    /// Decodes the value of a place, which belongs to the step `parent` under `key`; the root has neither.
    func decode<T: Decodable>(
        _: T.Type, from node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?, _ key: (any CodingKey)?
    ) throws -> T {
        let type = ObjectIdentifier(T.self)
        if type != plainType {
            if let wire = T.self as? any WireValue.Type {
                return try decodeWire(wire, from: node, parent, key)
            }
            if let optional = T.self as? any DecodableOptional.Type {
                return try decodeOptional(optional, from: node, parent, key)
            }
            plainType = type
        }
        let step = key.map { CodingStep(parent: parent, key: $0) } ?? parent
        guard CodingStep.depth(of: step) <= maxDepth else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [], debugDescription: WireError.valueTooDeep(limit: maxDepth).description))
        }
        let value = try T(from: TreeDecoder(state: self, node: node, path: step))
        if let mistake { throw mistake }
        return value
    }

    /// A value with a form of its own, with the path in the error.
    @inline(__always)
    func plain<W: WireValue>(
        _: W.Type, _ node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?,
        _ key: @autoclosure () -> (any CodingKey)?
    ) throws -> W {
        do throws(WireError) {
            return try W._decode(ValueNode(pointer: node))
        } catch {
            throw decodingError(error, type: W.self, CodingStep.path(parent, key()))
        }
    }

    private func decodeWire<T, W: WireValue>(
        _: W.Type, from node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?, _ key: (any CodingKey)?
    ) throws -> T {
        // T is W, which the compiler cannot know.
        unsafeBitCast(try plain(W.self, node, parent, key), to: T.self)
    }

    private func decodeOptional<T, O: DecodableOptional>(
        _: O.Type, from node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?, _ key: (any CodingKey)?
    ) throws -> T {
        // T is O, which the compiler cannot know.
        unsafeBitCast(try O.decodeOptional(from: node, parent, key, self), to: T.self)
    }
}

/// Optionals of types that are decoded through containers.
protocol DecodableOptional {
    static func decodeOptional(
        from node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?, _ key: (any CodingKey)?, _ state: DecodingState
    ) throws -> Self
}

extension Optional: DecodableOptional where Wrapped: Decodable {
    static func decodeOptional(
        from node: UnsafeMutablePointer<CValue>, _ parent: CodingStep?, _ key: (any CodingKey)?, _ state: DecodingState
    ) throws -> Wrapped? {
        guard node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_NULL else {
            return try state.decode(Wrapped.self, from: node, parent, key)
        }
        if node.pointee.null <= 1 { return .none }
        node.pointee.null -= 1
        defer { node.pointee.null += 1 }
        return try state.decode(Wrapped.self, from: node, parent, key)
    }
}

/// An error of a value as Codable types expect it.
func decodingError(_ error: WireError, type: Any.Type, _ path: [any CodingKey]) -> DecodingError {
    let context = DecodingError.Context(codingPath: path, debugDescription: error.description)
    switch error {
    case .unexpectedValue(_, let found):
        return found == "nil" ? .valueNotFound(type, context) : .typeMismatch(type, context)
    default:
        return .dataCorrupted(context)
    }
}
