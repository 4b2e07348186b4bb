import Glibc
import TestSupport
import Testing
import Wire

@testable import Futures

/// The bytes of handles, also such as no program of ours sends.
@Suite struct SharedHandleTests {
    private func decoded(_ handle: [UInt8]) throws -> [UInt8] {
        var encoder = PayloadEncoder()
        try ValueCodec<[UInt8]>().encode(handle, into: &encoder)
        var decoder = try PayloadDecoder(payload: encoder.finish())
        return try ValueCodec<Shared<[UInt8]>>().decode(from: &decoder).value
    }

    @Test("a handle comes back as it went")
    func roundTrip() throws {
        let segment = try SharedSegment(Payload(bytes: [1, 2, 3], format: .raw))
        let place = segment.place
        #expect(SharedHandle(SharedHandle.place(place).bytes) == .place(place))
        #expect(try decoded(SharedHandle.place(place).bytes) == [1, 2, 3])
        let payload = Payload(bytes: [4, 5], format: .raw)
        #expect(SharedHandle(SharedHandle.payload(payload).bytes) == .payload(payload))
        #expect(try decoded(SharedHandle.payload(payload).bytes) == [4, 5])
    }

    @Test("what is no handle is an error")
    func malformed() throws {
        let segment = try SharedSegment(Payload(bytes: [1, 2, 3], format: .raw))
        let good = SharedHandle.place(segment.place).bytes
        for length in 0..<good.count { #expect(SharedHandle(Array(good[..<length])) == nil) }
        #expect(SharedHandle(good + [0]) == nil)
        for first in 2...255 { #expect(SharedHandle([UInt8(first)] + good[1...]) == nil) }
        #expect(throws: SharedValueError.malformed) { try decoded([]) }
        // Any other byte changed: another file, or none.
        // Not of the process: its threads have numbers, too, and the same files.
        for index in 2..<good.count where !(18..<22).contains(index) {
            for bit in 0..<8 {
                var handle = good
                handle[index] ^= 1 << bit
                #expect(throws: (any Error).self) { try decoded(handle) }
            }
        }
    }

    @Test("files that may change, and what is no file, are not mapped")
    func notSealed() throws {
        let folder = TemporaryFolder()
        let path = folder.write(String(repeating: "x", count: 100), to: "file")
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var status = stat()
        #expect(fstat(file, &status) == 0)
        var place = SharedSegment.Place(
            id: SharedID(high: 1, low: 1), process: getpid(), descriptor: file, device: UInt64(status.st_dev),
            file: UInt64(status.st_ino), size: 100, encoding: .raw)
        #expect(place.isThere)
        #expect(throws: SharedValueError.gone) { try SharedMapping(place) }
        place.size = 8
        #expect(throws: SharedValueError.malformed) { try SharedMapping(place) }
        place = try SharedSegment(Payload(bytes: [1], format: .raw)).place
        // The file went with the segment.
        #expect(!place.isThere)
        #expect(throws: SharedValueError.gone) { try SharedMapping(place) }
    }

    @Test("nobody can change what is shared")
    func sealed() throws {
        let segment = try SharedSegment(Payload(bytes: [1, 2, 3], format: .raw))
        let descriptor = segment.place.descriptor
        #expect(ftruncate(descriptor, 0) == -1 && errno == EPERM)
        #expect(pwrite(descriptor, [9], 1, 0) == -1 && errno == EPERM)
        #expect(mmap(nil, 16, PROT_WRITE, MAP_SHARED, descriptor, 0) == MAP_FAILED)
    }
}
