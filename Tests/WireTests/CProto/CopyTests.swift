import CProto
import Glibc
import TestSupport
import Testing

/// Memory and copies as docs/decisions/copies.md says.
@Suite struct CopyTests {
    @Test("memory for bytes begins at a cache line, however large it is")
    func alignment() {
        for size in [0, 1, 63, 64, 4096, 65_536, 131_072, 1 << 20, 40 << 20] {
            let memory = futures_allocate(size)
            defer { futures_free(memory) }
            expectEqual(Int(bitPattern: memory) % Int(FUTURES_CACHE_LINE), 0, "\(size) bytes")
        }
    }

    @Test("a copy has all bytes and no others, wherever the two places lie within their pages")
    func wholeCopies() {
        let page = 4096
        let largest = 520 * 1024
        let source = futures_allocate(largest + 2 * page)!
        let target = futures_allocate(largest + 2 * page)!
        defer {
            futures_free(source)
            futures_free(target)
        }
        arc4random_buf(source, largest + 2 * page)
        for size in [0, 1, 2047, 4095, 4096, 4097, 6144, 70_001, largest] {
            for distance in [0, 1, 2, 15, 16, 31, 32, 63, 2048, 4095] {
                // Places in pages of the same kind, so that it is the distance that counts.
                let from = source + (page - Int(bitPattern: source) % page)
                let to = target + (page - Int(bitPattern: target) % page) + distance
                let room = UnsafeMutableRawBufferPointer(start: to, count: size + 1)
                memset(to - 1, 0, size + 2)
                room[size] = 0xa5
                futures_copy(to, from, size)
                let isEqual = memcmp(to, from, size) == 0
                #expect(isEqual, "\(size) bytes, \(distance) bytes apart")
                #expect(
                    room[size] == 0xa5 && (to - 1).load(as: UInt8.self) == 0, "\(size) bytes, \(distance) bytes apart")
            }
        }
    }
}
