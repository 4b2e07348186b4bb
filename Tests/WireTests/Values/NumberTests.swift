import Testing
import Wire

private struct Holder<T: Codable & Equatable>: Codable, Equatable {
    var value: T
    var maybe: T?
    var absent: T?
    var array: [T]
}

@Suite struct NumberTests {
    /// As a value, as an array, as a column, wrapped in an optional, within arrays and within a structure.
    private func check<T: Codable & Equatable>(_ values: [T]) throws {
        for value in values {
            #expect(try roundTrip(value) == value)
            #expect(try roundTrip(Optional(value)) == value)
            let holder = Holder(value: value, maybe: value, absent: nil, array: [value, value])
            #expect(try roundTrip(holder) == holder)
        }
        #expect(try roundTrip(values) == values)
        #expect(try roundTrip([] as [T]) == [])
        #expect(try roundTrip([values, [], values]) == [values, [], values])
        #expect(try roundTrip(values.map(Optional.some) + [nil]) == values.map(Optional.some) + [nil])
        #expect(try roundTripColumn(values) == values)
        #expect(try roundTripColumn([] as [T]) == [])
        #expect(try roundTripColumn([values, []]) == [values, []])
    }

    private func extremes<T: FixedWidthInteger>(_: T.Type) -> [T] {
        [.min, .min + 1, 0, 1, 7, 42, .max / 2, .max - 1, .max]
    }

    @Test("integers of every width arrive, extremes included")
    func integers() throws {
        try check(extremes(Int.self))
        try check(extremes(Int8.self))
        try check(extremes(Int16.self))
        try check(extremes(Int32.self))
        try check(extremes(Int64.self))
        try check(extremes(UInt.self))
        try check(extremes(UInt8.self))
        try check(extremes(UInt16.self))
        try check(extremes(UInt32.self))
        try check(extremes(UInt64.self))
        try check([-1, -64, -65, -8192, -8193, Int.min])
    }

    @Test("floating-point numbers arrive bit by bit, NaN, infinities and minus zero included")
    func floatingPoint() throws {
        let doubles: [Double] = [
            0, -0.0, 1.5, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi, .nan,
            Double(nan: 0x123, signaling: false), -.nan,
        ]
        for value in doubles {
            #expect(try roundTrip(value).bitPattern == value.bitPattern)
        }
        #expect(try roundTrip(doubles).map(\.bitPattern) == doubles.map(\.bitPattern))
        #expect(try roundTripColumn(doubles).map(\.bitPattern) == doubles.map(\.bitPattern))
        let floats: [Float] = [
            0, -0.0, 1.5, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi, .nan, -.nan,
        ]
        for value in floats {
            #expect(try roundTrip(value).bitPattern == value.bitPattern)
        }
        #expect(try roundTrip(floats).map(\.bitPattern) == floats.map(\.bitPattern))
        #expect(try roundTripColumn(floats).map(\.bitPattern) == floats.map(\.bitPattern))
        try check([1.5, -2.25] as [Double])
        try check([1.5, -2.25] as [Float])
    }

    @Test("Bool arrives")
    func bools() throws {
        try check([true, false])
    }

    @Test("an integer is read as any integer type that can hold it")
    func integersConvert() throws {
        #expect(try decode(UInt8.self, from: encode(255)) == 255)
        #expect(try decode(Int8.self, from: encode(127 as UInt64)) == 127)
        #expect(try decode(Int.self, from: encode(3 as UInt)) == 3)
        #expect(try decode([Int].self, from: encode([1, 2, 3] as [UInt16?])) == [1, 2, 3])
        #expect(errorText { try decode(UInt8.self, from: encode(256)) } == "The number 256 does not fit into UInt8.")
        #expect(errorText { try decode(UInt.self, from: encode(-1)) } == "The number -1 does not fit into UInt.")
        #expect(
            errorText { try decode(Int.self, from: encode(UInt.max)) }
                == "The number 18446744073709551615 does not fit into Int.")
    }

    @Test("a float is read as a double, and a double as a float if it is one")
    func floatsConvert() throws {
        #expect(try decode(Double.self, from: encode(1.5 as Float)) == 1.5)
        #expect(try decode(Float.self, from: encode(1.5 as Double)) == 1.5)
        #expect(try decode(Float.self, from: encode(Double.nan)).isNaN)
        #expect(errorText { try decode(Float.self, from: encode(0.1)) } == "The number 0.1 does not fit into Float.")
        #expect(
            errorText { try decode(Double.self, from: encode(1)) }
                == "The value is a signed integer and should be a double.")
    }
}
