import Testing
import Wire

/// Any value that can be sent: a random one comes from a seed.
private indirect enum Anything: Codable, Hashable {
    case bool(Bool), int(Int), int8(Int8), int32(Int32), uint16(UInt16), uint64(UInt64)
    case double(Double), float(Float), text(String), bytes([UInt8]), none(Int?), nested(Int??)
    case ints([Int]), texts([String]), flags([Bool]), doubles([Double]), optionals([Int16?])
    case list([Anything]), lookup([String: Anything]), numbered([Int: Anything]), set(Set<Anything>)
    case maybe(Anything?), pair(first: Anything, second: Anything)

    static func random(_ random: inout SeededGenerator, depth: Int = 0) -> Anything {
        func number<T: FixedWidthInteger>(_: T.Type) -> T {
            let value = T.random(in: .min ... .max, using: &random)
            // Small numbers are the more frequent ones.
            return value >> T(truncatingIfNeeded: UInt8.random(in: 0..<UInt8(T.bitWidth), using: &random))
        }
        func array<T>(_ element: () -> T) -> [T] { (0..<Int.random(in: 0..<5, using: &random)).map { _ in element() } }
        func text() -> String {
            String(String.UnicodeScalarView(array { Unicode.Scalar(number(UInt16.self) & 0xD7FF) ?? "?" }))
        }
        func double() -> Double {
            let value = Double(bitPattern: number(UInt64.self))
            return value.isNaN ? -0.0 : value
        }
        switch Int.random(in: 0..<(depth < 5 ? 23 : 17), using: &random) {
        case 0: return .bool(Bool.random(using: &random))
        case 1: return .int(number(Int.self))
        case 2: return .int8(number(Int8.self))
        case 3: return .int32(number(Int32.self))
        case 4: return .uint16(number(UInt16.self))
        case 5: return .uint64(number(UInt64.self))
        case 6: return .double(double())
        case 7: return .float(Float(number(Int16.self)) / 8)
        case 8: return .text(text())
        case 9: return .bytes(array { number(UInt8.self) })
        case 10: return .none(Bool.random(using: &random) ? nil : number(Int.self))
        case 11: return .nested([nil, .some(nil), .some(.some(number(Int.self)))].randomElement(using: &random)!)
        case 12: return .ints(array { number(Int.self) })
        case 13: return .texts(array { text() })
        case 14: return .flags(array { number(UInt8.self) > 1 })
        case 15: return .doubles(array { double() })
        case 16: return .optionals(array { number(Int8.self) > 0 ? nil : number(Int16.self) })
        case 17: return .list(array { .random(&random, depth: depth + 1) })
        case 18:
            let pairs = array { (text(), Anything.random(&random, depth: depth + 1)) }
            return .lookup(Dictionary(pairs) { $1 })
        case 19:
            let pairs = array { (number(Int.self), Anything.random(&random, depth: depth + 1)) }
            return .numbered(Dictionary(pairs) { $1 })
        case 20: return .set(Set(array { .random(&random, depth: depth + 1) }))
        case 21: return .maybe(Bool.random(using: &random) ? nil : .random(&random, depth: depth + 1))
        default: return .pair(first: .random(&random, depth: depth + 1), second: .random(&random, depth: depth + 1))
        }
    }
}

@Suite struct RandomValueTests {
    @Test("a thousand random values arrive, alone and as columns", arguments: testSeeds)
    func roundTrips(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for round in 0..<1000 {
            let value = Anything.random(&random)
            #expect(try roundTrip(value) == value, "seed \(seed), round \(round)")
            let column = (0..<Int.random(in: 0..<4, using: &random)).map { _ in Anything.random(&random) }
            #expect(try roundTripColumn(column) == column, "seed \(seed), round \(round)")
        }
    }

    @Test("twenty thousand damaged payloads are values or clear errors, for every type", arguments: testSeeds)
    func damagedPayloads(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let limits = WireLimits(maxMemory: 16 << 20)
        for round in 0..<5000 {
            var payload = try encode(Anything.random(&random))
            if round % 4 == 0 { payload.bytes = RawMessage().content(1, randomFields(&random)).bytes }
            for _ in 0..<Int.random(in: 0..<3, using: &random) { damage(&payload.bytes, &random) }
            for _ in 0..<4 { attempt(payload, limits, Int.random(in: 0..<16, using: &random), seed, round) }
        }
    }

    /// Decodes the payload as one of many types.
    private func attempt(_ payload: Payload, _ limits: WireLimits, _ type: Int, _ seed: UInt64, _ round: Int) {
        do {
            switch type {
            case 0: _ = try decode(Int.self, from: payload, limits: limits)
            case 1: _ = try decode(UInt8.self, from: payload, limits: limits)
            case 2: _ = try decode(Double.self, from: payload, limits: limits)
            case 3: _ = try decode(Float.self, from: payload, limits: limits)
            case 4: _ = try decode(Bool.self, from: payload, limits: limits)
            case 5: _ = try decode(String.self, from: payload, limits: limits)
            case 6: _ = try decode([UInt8].self, from: payload, limits: limits)
            case 7: _ = try decode([Int].self, from: payload, limits: limits)
            case 8: _ = try decode([UInt16].self, from: payload, limits: limits)
            case 9: _ = try decode([String].self, from: payload, limits: limits)
            case 10: _ = try decode([Bool?].self, from: payload, limits: limits)
            case 11: _ = try decode(Set<Double>.self, from: payload, limits: limits)
            case 12: _ = try decode([String: [Int8]].self, from: payload, limits: limits)
            case 13: _ = try decode(Int???.self, from: payload, limits: limits)
            case 14: _ = try decode([[Float]].self, from: payload, limits: limits)
            default: _ = try decode(Anything.self, from: payload, limits: limits)
            }
        } catch let error as WireError {
            expectClear(error, "seed \(seed), round \(round)")
        } catch {
            #expect(error is DecodingError, "seed \(seed), round \(round)")
        }
    }
}
