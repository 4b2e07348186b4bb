internal import CProto

/// Reads a Codable value from a tree of protobuf values.
struct TreeDecoder: Decoder {
    let state: DecodingState
    let node: UnsafeMutablePointer<CValue>
    let path: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.path(path) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try KeyedTreeDecoder<Key>(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try UnkeyedTreeDecoder(self) }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleTreeDecoder(decoder: self) }

    func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        decodingError(ValueNode(pointer: node).mismatch(expected), type: type, codingPath)
    }
}

private struct KeyedTreeDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let state: DecodingState
    let path: CodingStep?
    let record: UnsafePointer<Futures__Wire__V1__Record>
    /// Where the last key was found: the next one is most often behind it.
    let hint: UnsafeMutablePointer<Int>

    init(_ decoder: TreeDecoder) throws {
        state = decoder.state
        path = decoder.path
        guard decoder.node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_RECORD,
            let record = decoder.node.pointee.record
        else { throw decoder.mismatch([String: Any].self, "a record") }
        guard record.pointee.n_keys == record.pointee.n_values else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription:
                        "A record has \(record.pointee.n_keys) keys and \(record.pointee.n_values) values."))
        }
        self.record = UnsafePointer(record)
        hint = futures_arena_need(state.arena, MemoryLayout<Int>.size).bindMemory(to: Int.self, capacity: 1)
        hint.initialize(to: 0)
    }

    var codingPath: [any CodingKey] { CodingStep.path(path) }

    /// The keys that the type knows; others are left alone.
    var allKeys: [Key] {
        var keys: [Key] = []
        keys.reserveCapacity(record.pointee.n_keys)
        for index in 0..<record.pointee.n_keys {
            guard let name = record.pointee.keys[index].text else {
                let error = WireError.invalidText(what: "a key of a record")
                state.mistake = state.mistake ?? decodingError(error, type: Key.self, codingPath)
                continue
            }
            if let key = Key(stringValue: name) { keys.append(key) }
        }
        return keys
    }

    private func find(_ key: some CodingKey) -> UnsafeMutablePointer<CValue>? {
        var name = key.stringValue
        return name.withUTF8 { utf8 in
            let count = record.pointee.n_keys
            let start = hint.pointee
            for step in 0..<count {
                // The last one found, those behind it, then those before it.
                let index = start + step < count ? start + step : start + step - count
                let bytes = record.pointee.keys[index]
                if bytes.len == utf8.count, bytes.buffer.elementsEqual(utf8) {
                    hint.pointee = index
                    return record.pointee.values[index]
                }
            }
            return nil
        }
    }

    @inline(__always)
    private func required(_ key: some CodingKey) throws -> UnsafeMutablePointer<CValue> {
        guard let place = find(key) else {
            throw DecodingError.keyNotFound(
                key,
                DecodingError.Context(codingPath: codingPath, debugDescription: "There is no value for this key."))
        }
        return place
    }

    @inline(__always)
    private func plain<W: WireValue>(_ type: W.Type, _ key: Key) throws -> W {
        try state.plain(type, required(key), path, key)
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        let place = try required(key)
        return place.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_NULL && place.pointee.null <= 1
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try state.decode(type, from: required(key), path, key)
    }

    /// Null of more than one level is a nil within what is present.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let place = find(key) else { return nil }
        return try Optional<T>.decodeOptional(from: place, path, key, state)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try child(ContainerKey.superclass) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }

    private func child(_ key: some CodingKey) throws -> TreeDecoder {
        TreeDecoder(state: state, node: try required(key), path: CodingStep(parent: path, key: key))
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try plain(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try plain(type, key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try plain(type, key) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try plain(type, key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try plain(type, key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try plain(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try plain(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try plain(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try plain(type, key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try plain(type, key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try plain(type, key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try plain(type, key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try plain(type, key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try plain(type, key) }
}

private struct UnkeyedTreeDecoder: UnkeyedDecodingContainer {
    let state: DecodingState
    let path: CodingStep?
    let values: UnsafeMutablePointer<UnsafeMutablePointer<CValue>?>?
    let length: Int
    var currentIndex = 0

    init(_ decoder: TreeDecoder) throws {
        state = decoder.state
        path = decoder.path
        // Arrays of numbers and of text have forms of their own; a type that reads its array by hand gets the elements.
        let list: UnsafeMutablePointer<CValue>
        if decoder.node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_LIST {
            list = decoder.node
        } else if let expanded = try state.expanded(decoder.node) {
            list = expanded
        } else {
            throw decoder.mismatch([Any].self, "a list")
        }
        values = list.pointee.list.pointee.values
        length = list.pointee.list.pointee.n_values
    }

    var codingPath: [any CodingKey] { CodingStep.path(path) }
    var count: Int? { length }
    var isAtEnd: Bool { currentIndex >= length }

    @inline(__always)
    private func current(_ type: Any.Type) throws -> UnsafeMutablePointer<CValue> {
        guard currentIndex < length, let place = values?[currentIndex] else {
            throw DecodingError.valueNotFound(
                type,
                DecodingError.Context(
                    codingPath: CodingStep.path(path, ContainerKey.index(currentIndex)),
                    debugDescription: "The list has \(length) elements, and all have been decoded."))
        }
        return place
    }

    @inline(__always)
    private mutating func plain<W: WireValue>(_ type: W.Type) throws -> W {
        let value = try state.plain(type, current(type), path, ContainerKey.index(currentIndex))
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        let place = try current(Any?.self)
        guard place.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_NULL, place.pointee.null <= 1 else {
            return false
        }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try state.decode(type, from: current(type), path, ContainerKey.index(currentIndex))
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try child().container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try child().unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try child()
        currentIndex += 1
        return decoder
    }

    private func child() throws -> TreeDecoder {
        TreeDecoder(
            state: state, node: try current(Any.self),
            path: CodingStep(parent: path, key: ContainerKey.index(currentIndex)))
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try plain(type) }
    mutating func decode(_ type: String.Type) throws -> String { try plain(type) }
    mutating func decode(_ type: Double.Type) throws -> Double { try plain(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try plain(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try plain(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try plain(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try plain(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try plain(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try plain(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try plain(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try plain(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try plain(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try plain(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try plain(type) }
}

private struct SingleTreeDecoder: SingleValueDecodingContainer {
    let decoder: TreeDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    @inline(__always)
    private func plain<W: WireValue>(_ type: W.Type) throws -> W {
        try decoder.state.plain(type, decoder.node, decoder.path, nil)
    }

    func decodeNil() -> Bool {
        let value = decoder.node.pointee
        return value.kind_case == FUTURES__WIRE__V1__VALUE__KIND_NULL && value.null <= 1
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try decoder.state.decode(type, from: decoder.node, decoder.path, ContainerKey.index(0))
    }

    func decode(_ type: Bool.Type) throws -> Bool { try plain(type) }
    func decode(_ type: String.Type) throws -> String { try plain(type) }
    func decode(_ type: Double.Type) throws -> Double { try plain(type) }
    func decode(_ type: Float.Type) throws -> Float { try plain(type) }
    func decode(_ type: Int.Type) throws -> Int { try plain(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try plain(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try plain(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try plain(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try plain(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try plain(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try plain(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try plain(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try plain(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try plain(type) }
}

extension DecodingState {
    /// An array of numbers, bytes or text as a list of single values; nil for other values.
    ///
    /// A list takes up to fifty times the memory of the array, so that it counts against the limit of memory.
    fileprivate func expanded(_ node: UnsafeMutablePointer<CValue>) throws -> UnsafeMutablePointer<CValue>? {
        let source = ValueNode(pointer: node)
        let target = ValueSlot(arena: arena, pointer: futures_value_new(arena))
        func fill<W: WireValue>(_: W.Type, _ count: Int) throws -> UnsafeMutablePointer<CValue> {
            let elementSize = MemoryLayout<CValue>.stride + MemoryLayout<Int>.size + MemoryLayout<W>.stride
            let (needed, overflow) = UInt64(count).multipliedReportingOverflow(by: UInt64(elementSize))
            guard !overflow, needed <= memoryLeft else {
                throw WireError.malformed(
                    what: "the values of a payload",
                    reason: "\(count) elements, read one by one, take more memory than the limit allows")
            }
            memoryLeft -= needed
            let values = try W._decodeArray(source)
            guard let first = futures_value_make_list(arena, target.pointer, values.count) else {
                return target.pointer
            }
            for (index, value) in values.enumerated() {
                W._encode(value, into: ValueSlot(arena: arena, pointer: first + index))
            }
            return target.pointer
        }
        let count = futures_value_numbers(node).count
        switch source.kind {
        case FUTURES__WIRE__V1__VALUE__KIND_INT64S: return try fill(Int64.self, count)
        case FUTURES__WIRE__V1__VALUE__KIND_UINT64S: return try fill(UInt64.self, count)
        case FUTURES__WIRE__V1__VALUE__KIND_INT32S: return try fill(Int32.self, count)
        case FUTURES__WIRE__V1__VALUE__KIND_UINT32S: return try fill(UInt32.self, count)
        case FUTURES__WIRE__V1__VALUE__KIND_FLOATS: return try fill(Float.self, count)
        case FUTURES__WIRE__V1__VALUE__KIND_DOUBLES: return try fill(Double.self, count)
        case FUTURES__WIRE__V1__VALUE__KIND_TEXTS: return try fill(String.self, node.pointee.texts.pointee.n_values)
        case FUTURES__WIRE__V1__VALUE__KIND_BYTES:
            let list = try fill(UInt8.self, node.pointee.bytes.len)
            for index in 0..<list.pointee.list.pointee.n_values {
                list.pointee.list.pointee.values[index]!.pointee.kind_case = ValueNode.octet
            }
            return list
        default: return nil
        }
    }
}
