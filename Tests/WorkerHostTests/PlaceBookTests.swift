import Futures
import Testing

@testable import WorkerHost

/// Where elements are.
@Suite struct PlaceBookTests {
    private func block(_ count: Int, at offset: Int, line: Int?) -> InputBlock {
        InputBlock(
            input: .file(FileName("in")), offset: offset, length: 10 * count, format: .lines, count: count,
            firstLine: line, records: RecordChunk([], format: .lines))
    }

    @Test("it keeps blocks, however many elements they have, and only as long as one of them is on its way")
    func blocks() {
        let book = PlaceBook()
        for index in 0..<100 { book.add(block(1000, at: index, line: 1 + 1000 * index)) }
        #expect(book.blockCount == 100)
        for element in 0..<100_000 {
            let place = book.take(element)
            #expect(place?.description == "in:\(element + 1)")
            #expect(place?.length == 10)
            #expect(book.blockCount <= 2 * (100 - element / 1000) + 1)
        }
        #expect(book.take(100_000) == nil)
    }

    @Test("elements that come late are found, and blocks that are done let go of their records")
    func late() {
        let book = PlaceBook()
        book.add(block(2, at: 0, line: nil))
        for index in 1..<50 { book.add(block(1, at: 20 * index, line: nil)) }
        for element in (2..<51).reversed() {
            #expect(book.take(element)?.description == "in, block at byte \(20 * (element - 1))")
        }
        #expect(book.take(1)?.block.records != nil)
        #expect(book.take(0)?.description == "in, block at byte 0")
        #expect(book.blockCount == 0)
        #expect(book.take(0) == nil)
    }
}

@Suite struct FileNameTests {
    @Test(
        "any bytes come through the command line, and are no others' afterwards",
        arguments: [
            [], [0x61], [0xFF], [0x61, 0xC3], [0xC3, 0xA4, 0xC3], [0xF4, 0x8F, 0xBF, 0xBF], [0xF4, 0x8F, 0xBE, 0x80],
            [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0x65, 0xCC, 0x81], [0xF4, 0x8F, 0xBD, 0xBF], Array(1...255),
        ] as [[UInt8]])
    func roundTrip(bytes: [UInt8]) {
        #expect(FileName(CommandLineWords.word(of: bytes)).bytes == bytes)
    }

    @Test("what is no text is shown by its numbers")
    func shown() {
        #expect(FileName(bytes: Array("ä b".utf8)).shown == "ä b")
        #expect(FileName(bytes: [0x61, 0xFF, 0x0A, 0xE2, 0x82]).shown == "a\\xff\n\\xe2\\x82")
    }
}
