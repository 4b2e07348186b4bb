import Testing
import Wire

@Suite struct TextAndBytesTests {
    private let texts = [
        "", "a", "naïve", "🇩🇪👨‍👩‍👧‍👦", "nul \u{0} inside", "\u{0}", "line\r\nbreak\u{2028}", "\u{FEFF}bom", "\u{10FFFF}",
        "e\u{301}",
        String(repeating: "x", count: 15), String(repeating: "x", count: 16), String(repeating: "ü", count: 5000),
    ]

    private struct Holder: Codable, Equatable {
        var text: String
        var texts: [String]
        var bytes: [UInt8]
        var flags: [Bool]
        var small: [Int8]
        var maybe: [UInt8]?
    }

    @Test("text arrives byte by byte, alone and in every form")
    func text() throws {
        for text in texts {
            #expect(try Array(roundTrip(text).utf8) == Array(text.utf8))
            #expect(try roundTrip(Optional(text)) == text)
            #expect(try roundTrip([text: text]) == [text: text])
        }
        #expect(try roundTrip(texts).map { Array($0.utf8) } == texts.map { Array($0.utf8) })
        #expect(try roundTripColumn(texts).map { Array($0.utf8) } == texts.map { Array($0.utf8) })
        #expect(try roundTrip([texts, [], texts]) == [texts, [], texts])
        #expect(try roundTrip(texts.map(Optional.some) + [nil]) == texts.map(Optional.some) + [nil])
        #expect(try roundTrip(Set(texts)) == Set(texts))
    }

    @Test("text that is no text of its own arrives: substrings and characters")
    func substrings() throws {
        let long = String(repeating: "abc", count: 100)
        #expect(try roundTrip(String(long.dropFirst(5))) == String(long.dropFirst(5)))
        #expect(errorText { try decode(Int.self, from: encode("5")) } == "The value is text and should be an integer.")
        #expect(
            errorText { try decode([Int].self, from: encode(["5"])) }
                == "The value is an array of text and should be an array of Int.")
    }

    @Test("arrays of one-byte types arrive, alone, among others and within structures")
    func bytes() throws {
        let all = (0...255).map { UInt8($0) }
        let small = all.map { Int8(bitPattern: $0) }
        let flags = [true, false, true, true]
        #expect(try roundTrip(all) == all)
        #expect(try roundTrip(small) == small)
        #expect(try roundTrip(flags) == flags)
        for empty in [true, false] {
            let holder = Holder(
                text: "t", texts: empty ? [] : texts, bytes: empty ? [] : all, flags: empty ? [] : flags,
                small: empty ? [] : small, maybe: empty ? nil : all)
            #expect(try roundTrip(holder) == holder)
        }
        #expect(try roundTripColumn(all) == all)
        #expect(try roundTripColumn(small) == small)
        #expect(try roundTripColumn(flags) == flags)
        #expect(try roundTripColumn([all, [], all]) == [all, [], all])
        #expect(try roundTrip([flags, []]) == [flags, []])
    }

    @Test("a byte that is neither 0 nor 1 is no Bool")
    func badBools() {
        #expect(
            errorText { try decode([Bool].self, from: encode([0, 1, 2] as [UInt8])) }
                == "The number 2 does not fit into Bool.")
    }

    @Test("a type that reads its array element by element gets what was written as an array")
    func elementByElement() throws {
        #expect(try decode(Set<UInt8>.self, from: encode([1, 2, 255] as [UInt8])) == [1, 2, 255])
        #expect(try decode(Set<Int8>.self, from: encode([1, 2, -1] as [Int8])) == [1, 2, -1])
        #expect(try decode(Set<Bool>.self, from: encode([true, true])) == [true])
        #expect(try decode(Set<Int>.self, from: encode([1, -2])) == [1, -2])
        #expect(try decode(Set<Int16>.self, from: encode([1, -2] as [Int16])) == [1, -2])
        #expect(try decode(Set<UInt>.self, from: encode([1, .max] as [UInt])) == [1, .max])
        #expect(try decode(Set<UInt32>.self, from: encode([1, .max] as [UInt32])) == [1, .max])
        #expect(try decode(Set<Double>.self, from: encode([1.5])) == [1.5])
        #expect(try decode(Set<Float>.self, from: encode([1.5] as [Float])) == [1.5])
        #expect(try decode(Set<String>.self, from: encode(["a", "b"])) == ["a", "b"])
        #expect(try decode(Set<Int>.self, from: encode([] as [Int])) == [])
        #expect(try decode(Set<Int?>.self, from: encode([1, nil] as [Int?])) == [1, nil])
        #expect(
            errorText { try decode(Set<Bool>.self, from: encode([2] as [UInt8])) }
                == "The number 2 does not fit into Bool.")
    }

    @Test("a list is read as an array of its elements' type, element by element")
    func lists() throws {
        #expect(try decode([UInt8].self, from: encode([1, 2] as [UInt8?])) == [1, 2])
        #expect(try decode([Bool].self, from: encode([true] as Set<Bool>)) == [true])
        #expect(try decode([Int8].self, from: encode([-1] as Set<Int8>)) == [-1])
        #expect(try decode([Double].self, from: encode([1.5] as Set<Double>)) == [1.5])
        #expect(try decode([Float].self, from: encode([1.5] as Set<Double>)) == [1.5])
        #expect(try decode([String].self, from: encode(["a"] as Set<String>)) == ["a"])
        #expect(
            errorText { try decode([Int].self, from: encode([1, nil] as [Int?])) }
                == "The value is nil and should be an integer.")
    }
}
