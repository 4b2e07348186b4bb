import CProto
import TestSupport
import Testing
import Wire

/// What C allocates is freed by hand; with the address sanitizer these tests find what is not.
@Suite struct MemoryTests {
    /// Does the same many times and looks whether memory is left over. What the first rounds keep for later is not.
    private func expectNoGrowth(_ body: () throws -> Void) throws {
        for _ in 0..<20 { try body() }
        let before = memoryInUse()
        for _ in 0..<400 { try body() }
        // An arena or a stream of zlib that is left over in each round takes more than this. For smaller pieces there is
        // the sanitizer.
        if !hasAddressSanitizer { #expect(memoryInUse() - before < 3 << 20) }
    }

    private struct Order: Codable, Equatable {
        var name: String
        var items: [[String: Int]]
        var next: [Order]
    }

    private let order = Order(
        name: "first", items: [["a": 1], ["b": 2]],
        next: (0..<50).map { Order(name: "\($0)", items: [], next: []) })

    @Test("encoding and decoding leaves nothing behind")
    func values() throws {
        try expectNoGrowth {
            let received = try roundTrip(order)
            #expect(received == order)
        }
    }

    @Test("a value that cannot be decoded leaves nothing behind")
    func failedValues() throws {
        let payload = try encode(order)
        var damaged = payload
        damaged.bytes.removeLast(3)
        try expectNoGrowth {
            #expect(throws: DecodingError.self) { try decode(Set<String>.self, from: payload) }
            #expect(throws: WireError.self) { try decode(Order.self, from: damaged) }
        }
    }

    @Test("messages leave nothing behind, also those that are refused")
    func messages() throws {
        let bytes = try sampleMessages.map { try frame($0) }
        try expectNoGrowth {
            for (index, message) in sampleMessages.enumerated() {
                let received = try receive(bytes[index]).first?.message
                #expect(received == message)
            }
            #expect(throws: WireError.self) { try receive(frame(kind: 1, message: [0x1A, 1, 0xFF])) }
        }
    }

    @Test("compressing and decompressing leaves nothing behind, whatever the outcome")
    func zlib() throws {
        let payload = try encode([Int](repeating: 5, count: 20_000))
        var random = SeededGenerator(seed: 1)
        let noise = Payload(bytes: random.bytes(20_000), format: .raw)
        let stream = deflated(payload.bytes)
        try expectNoGrowth {
            let compressed = payload.compressed(by: .zlib(threshold: 0))
            #expect(compressed.bytes.count < payload.bytes.count)
            let count = try decode([Int].self, from: compressed).count
            #expect(count == 20_000)
            #expect(noise.compressed(by: .zlib(threshold: 0)) == noise)
            for (bytes, claimed) in [
                (stream, payload.bytes.count - 1), (stream, payload.bytes.count + 1),
                (Array(stream.dropLast()), payload.bytes.count), (stream + [0], payload.bytes.count), ([1, 2, 3], 100),
            ] {
                #expect(throws: WireError.self) {
                    try decode([Int].self, from: Payload(bytes: bytes, format: .zlib(claimed)))
                }
            }
        }
    }

    @Test("an arena takes no more than its limit, and keeps little when it is given back")
    func arena() {
        let arena = futures_arena_acquire()!
        futures_arena_set_limit(arena, 1000)
        #expect(futures_arena_take(arena, 1001) == nil)
        #expect(futures_arena_take(arena, 500) != nil)
        #expect(futures_arena_take(arena, 500) == nil)
        #expect(futures_arena_take(arena, .max) == nil)
        #expect(futures_arena_take(arena, 490) != nil)
        futures_arena_allow(arena, 64 << 20)
        let before = memoryInUse()
        for _ in 0..<60 {
            let piece = futures_arena_take(arena, 1 << 20)
            piece?.initializeMemory(as: UInt8.self, repeating: 1, count: 1 << 20)
            #expect(piece != nil)
        }
        #expect(futures_arena_take(arena, 5 << 20) == nil)
        futures_arena_release(arena)
        if !hasAddressSanitizer { #expect(memoryInUse() - before <= 2 << 20) }
    }

    @Test("arenas that are in use at the same time are different ones, and what they hold stays as it is")
    func nestedArenas() {
        let arenas = (0..<4).map { _ in futures_arena_acquire()! }
        #expect(Set(arenas).count == 4)
        let pieces = arenas.map { arena in
            (0..<2000).map { index -> UnsafeMutablePointer<Int> in
                let piece = futures_arena_take(arena, 24)!.bindMemory(to: Int.self, capacity: 3)
                piece.initialize(to: index)
                return piece
            }
        }
        for piece in pieces { #expect(piece.map(\.pointee) == Array(0..<2000)) }
        for arena in arenas { futures_arena_release(arena) }
    }

    @Test("a value of 2 GiB or more has no size, since protobuf cannot hold it")
    func largeValues() throws {
        let arena = futures_arena_acquire()!
        defer { futures_arena_release(arena) }
        // Many texts that are the same bytes: the value is large and takes little.
        let text = futures_bytes_copy(arena, [UInt8](repeating: 0x61, count: 1 << 20), 1 << 20)
        for (count, fits) in [(2047, true), (2048, false), (5000, false)] {
            let value = futures_value_new(arena)!
            let texts = futures_value_make_texts(arena, value, count)!
            for index in 0..<count { texts[index] = text }
            #expect(futures_argument_size(value) == (fits ? count * ((1 << 20) + 4) + 12 : 0))
        }
        var prefix = [UInt8](repeating: 0, count: Int(FUTURES_ARGUMENT_PREFIX_MAX))
        #expect(futures_argument_prefix(5, false, Int(Int32.max), &prefix) == 0)
        #expect(futures_argument_prefix(5, false, Int.max, &prefix) == 0)
    }
}
