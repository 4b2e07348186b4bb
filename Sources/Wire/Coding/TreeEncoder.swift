internal import CProto

/// Writes a Codable value as a tree of protobuf values.
struct TreeEncoder: Encoder {
    let state: EncodingState
    let node: UnsafeMutablePointer<CValue>
    let path: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.path(path) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedTreeEncoder<Key>(state: state, node: state.makeRecord(node, path), path: path))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedTreeEncoder(state: state, node: state.makeList(node, path), path: path)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleTreeEncoder(encoder: self) }
}

extension EncodingState {
    /// The place as a record: a new one, or the one that an earlier container of the same encoder has begun.
    fileprivate func makeRecord(
        _ node: UnsafeMutablePointer<CValue>, _ path: CodingStep?
    ) -> UnsafeMutablePointer<CValue> {
        if node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_RECORD { return node }
        let place = checkedContainer(node, path)
        futures_value_make_record(arena, place)
        return place
    }

    /// The place as a list: a new one, or the one that an earlier container of the same encoder has begun.
    fileprivate func makeList(
        _ node: UnsafeMutablePointer<CValue>, _ path: CodingStep?
    ) -> UnsafeMutablePointer<CValue> {
        if node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND_LIST { return node }
        let place = checkedContainer(node, path)
        futures_value_make_list(arena, place, 0)
        return place
    }

    /// The place if it is empty; else a place that leads nowhere, and a mistake noted.
    fileprivate func checked(
        _ node: UnsafeMutablePointer<CValue>, _ path: CodingStep?
    ) -> UnsafeMutablePointer<CValue> {
        if node.pointee.kind_case == FUTURES__WIRE__V1__VALUE__KIND__NOT_SET { return node }
        mistake =
            mistake
            ?? EncodingError.invalidValue(
                "",
                EncodingError.Context(
                    codingPath: CodingStep.path(path),
                    debugDescription: "A value asked its encoder for containers of different kinds, or encoded twice."))
        return futures_value_new(arena)
    }

    /// The same for a list or a record, which also may lie too deep: protobuf-c packs recursively.
    private func checkedContainer(
        _ node: UnsafeMutablePointer<CValue>, _ path: CodingStep?
    ) -> UnsafeMutablePointer<CValue> {
        if CodingStep.depth(of: path) <= maxDepth { return checked(node, path) }
        mistake = mistake ?? tooDeep(Any.self)
        return futures_value_new(arena)
    }

    fileprivate func superclassPlace(_ node: UnsafeMutablePointer<CValue>) -> UnsafeMutablePointer<CValue> {
        superclassPlaces.append(node)
        return node
    }
}

private struct KeyedTreeEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let state: EncodingState
    let node: UnsafeMutablePointer<CValue>
    let path: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.path(path) }

    @inline(__always)
    private func add(_ key: some CodingKey) -> UnsafeMutablePointer<CValue> {
        var name = key.stringValue
        return name.withUTF8 { futures_record_add(state.arena, node, $0.baseAddress, $0.count) }
    }

    @inline(__always)
    private func put<W: WireValue>(_ value: W, _ key: Key) {
        W._encode(value, into: ValueSlot(arena: state.arena, pointer: add(key)))
    }

    func encodeNil(forKey key: Key) {
        let place = add(key)
        place.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_NULL
        place.pointee.null = 1
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try state.encode(value, into: add(key), path, key)
    }

    /// What is present counts as one optional that is not nil, so that a nil within it does not read as absent.
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        guard let value else { return }
        let place = add(key)
        place.pointee.null = 1
        try state.encode(value, into: place, path, key)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        child(key).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { child(key).unkeyedContainer() }

    func superEncoder() -> any Encoder {
        TreeEncoder(
            state: state, node: state.superclassPlace(add(ContainerKey.superclass)),
            path: CodingStep(parent: path, key: ContainerKey.superclass))
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        let child = child(key)
        return TreeEncoder(state: state, node: state.superclassPlace(child.node), path: child.path)
    }

    private func child(_ key: Key) -> TreeEncoder {
        TreeEncoder(state: state, node: add(key), path: CodingStep(parent: path, key: key))
    }

    func encode(_ value: Bool, forKey key: Key) { put(value, key) }
    func encode(_ value: String, forKey key: Key) { put(value, key) }
    func encode(_ value: Double, forKey key: Key) { put(value, key) }
    func encode(_ value: Float, forKey key: Key) { put(value, key) }
    func encode(_ value: Int, forKey key: Key) { put(value, key) }
    func encode(_ value: Int8, forKey key: Key) { put(value, key) }
    func encode(_ value: Int16, forKey key: Key) { put(value, key) }
    func encode(_ value: Int32, forKey key: Key) { put(value, key) }
    func encode(_ value: Int64, forKey key: Key) { put(value, key) }
    func encode(_ value: UInt, forKey key: Key) { put(value, key) }
    func encode(_ value: UInt8, forKey key: Key) { put(value, key) }
    func encode(_ value: UInt16, forKey key: Key) { put(value, key) }
    func encode(_ value: UInt32, forKey key: Key) { put(value, key) }
    func encode(_ value: UInt64, forKey key: Key) { put(value, key) }
}

private struct UnkeyedTreeEncoder: UnkeyedEncodingContainer {
    let state: EncodingState
    let node: UnsafeMutablePointer<CValue>
    let path: CodingStep?

    var codingPath: [any CodingKey] { CodingStep.path(path) }
    var count: Int { node.pointee.list.pointee.n_values }

    @inline(__always)
    private func add() -> UnsafeMutablePointer<CValue> { futures_list_add(state.arena, node) }

    @inline(__always)
    private func put<W: WireValue>(_ value: W) {
        W._encode(value, into: ValueSlot(arena: state.arena, pointer: add()))
    }

    func encodeNil() {
        let place = add()
        place.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_NULL
        place.pointee.null = 1
    }

    func encode<T: Encodable>(_ value: T) throws {
        let key = ContainerKey.index(count)
        try state.encode(value, into: add(), path, key)
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy keyType: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        child().container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }

    func superEncoder() -> any Encoder {
        let child = child()
        return TreeEncoder(state: state, node: state.superclassPlace(child.node), path: child.path)
    }

    private func child() -> TreeEncoder {
        let step = CodingStep(parent: path, key: ContainerKey.index(count))
        return TreeEncoder(state: state, node: add(), path: step)
    }

    func encode(_ value: Bool) { put(value) }
    func encode(_ value: String) { put(value) }
    func encode(_ value: Double) { put(value) }
    func encode(_ value: Float) { put(value) }
    func encode(_ value: Int) { put(value) }
    func encode(_ value: Int8) { put(value) }
    func encode(_ value: Int16) { put(value) }
    func encode(_ value: Int32) { put(value) }
    func encode(_ value: Int64) { put(value) }
    func encode(_ value: UInt) { put(value) }
    func encode(_ value: UInt8) { put(value) }
    func encode(_ value: UInt16) { put(value) }
    func encode(_ value: UInt32) { put(value) }
    func encode(_ value: UInt64) { put(value) }
}

private struct SingleTreeEncoder: SingleValueEncodingContainer {
    let encoder: TreeEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    @inline(__always)
    private func put<W: WireValue>(_ value: W) {
        W._encode(
            value,
            into: ValueSlot(
                arena: encoder.state.arena, pointer: encoder.state.checked(encoder.node, encoder.path)))
    }

    /// Nil within the optionals that have been gone through on the way here.
    func encodeNil() {
        let place = encoder.state.checked(encoder.node, encoder.path)
        place.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_NULL
        place.pointee.null += 1
    }

    func encode<T: Encodable>(_ value: T) throws {
        let place = encoder.state.checked(encoder.node, encoder.path)
        try encoder.state.encode(value, into: place, encoder.path, ContainerKey.index(0))
    }

    func encode(_ value: Bool) { put(value) }
    func encode(_ value: String) { put(value) }
    func encode(_ value: Double) { put(value) }
    func encode(_ value: Float) { put(value) }
    func encode(_ value: Int) { put(value) }
    func encode(_ value: Int8) { put(value) }
    func encode(_ value: Int16) { put(value) }
    func encode(_ value: Int32) { put(value) }
    func encode(_ value: Int64) { put(value) }
    func encode(_ value: UInt) { put(value) }
    func encode(_ value: UInt8) { put(value) }
    func encode(_ value: UInt16) { put(value) }
    func encode(_ value: UInt32) { put(value) }
    func encode(_ value: UInt64) { put(value) }
}
