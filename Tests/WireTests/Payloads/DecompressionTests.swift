import Glibc
import TestSupport
import Testing
import Wire

@Suite struct DecompressionTests {
    private let bytes = [UInt8]("a text that is long enough, and that is long enough to be compressed".utf8)

    private func refusal(_ stream: [UInt8], claimed: Int, limits: WireLimits = .default) -> String {
        errorText {
            try decode(
                [UInt8].self, from: Payload(bytes: stream, format: .zlib(claimed, encoding: .raw)), limits: limits)
        }
    }

    @Test("a stream that holds what it claims arrives")
    func good() throws {
        let payload = Payload(bytes: deflated(bytes), format: .zlib(bytes.count, encoding: .raw))
        #expect(try decode([UInt8].self, from: payload) == bytes)
        let empty = Payload(bytes: deflated([]), format: .zlib(0, encoding: .raw))
        #expect(try decode([UInt8].self, from: empty) == [])
    }

    @Test("a claim beyond the limit is refused before anything else, one at the limit is not")
    func claimBeyondLimit() {
        let limits = WireLimits(maxDecompressedSize: UInt64(bytes.count))
        #expect(refusal(deflated(bytes), claimed: bytes.count, limits: limits).hasPrefix("no error"))
        #expect(
            refusal([], claimed: bytes.count + 1, limits: limits)
                == "A compressed payload claims to hold 69 bytes; the limit is 68.")
        #expect(
            refusal([1, 2, 3], claimed: .max)
                == "A compressed payload claims to hold 9223372036854775807 bytes; the limit is 1073741824.")
        let noLimit = WireLimits(maxDecompressedSize: .max)
        let format = PayloadFormat(encoding: .raw, compression: .zlib, decompressedSize: .max)
        #expect(
            errorText { try decode([UInt8].self, from: Payload(bytes: [1], format: format), limits: noLimit) }
                == "A compressed payload claims to hold 18446744073709551615 bytes; the limit is 18446744073709551615.")
    }

    @Test("a stream that holds much more than it claims is given up at once")
    func bomb() {
        let size = 128 << 20
        // Memory that nobody writes to takes none.
        let zeros = mmap(nil, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)!
        let stream = deflated(
            UnsafeBufferPointer(start: zeros.assumingMemoryBound(to: UInt8.self), count: size), level: 1)
        munmap(zeros, size)
        #expect(stream.count < 4 << 20)
        let growth = peakGrowth {
            #expect(
                refusal(stream, claimed: 1000)
                    == "A compressed payload cannot be decompressed: it holds more than the 1000 bytes it claims.")
            let limits = WireLimits(maxDecompressedSize: 1 << 20)
            #expect(
                refusal(stream, claimed: size, limits: limits)
                    == "A compressed payload claims to hold 134217728 bytes; the limit is 1048576.")
            #expect(
                refusal(stream, claimed: 1 << 20, limits: limits)
                    == "A compressed payload cannot be decompressed: it holds more than the 1048576 bytes it claims.")
        }
        #expect(growth < 64 << 20)
    }

    @Test("a claim alone takes no memory: that grows with what comes out")
    func largeClaim() {
        let growth = peakGrowth {
            #expect(
                refusal(deflated(bytes), claimed: 1 << 30)
                    == "A compressed payload cannot be decompressed: it holds fewer than the 1073741824 bytes it claims."
            )
        }
        #expect(growth < 64 << 20)
    }

    @Test("a wrong claim is refused")
    func wrongClaim() {
        #expect(
            refusal(deflated(bytes), claimed: 69)
                == "A compressed payload cannot be decompressed: it holds fewer than the 69 bytes it claims.")
        #expect(
            refusal(deflated(bytes), claimed: 67)
                == "A compressed payload cannot be decompressed: it holds more than the 67 bytes it claims.")
        #expect(
            refusal(deflated(bytes), claimed: 0)
                == "A compressed payload cannot be decompressed: it holds more than the 0 bytes it claims.")
    }

    @Test("bytes behind the stream are refused")
    func trailing() {
        #expect(
            refusal(deflated(bytes) + [0], claimed: 68)
                == "A compressed payload cannot be decompressed: there are bytes after the end of the stream of zlib.")
    }

    @Test("a stream cut off anywhere is refused")
    func cutOff() {
        let stream = deflated(bytes)
        #expect(
            refusal([], claimed: 68)
                == "A compressed payload cannot be decompressed: there are no bytes, and a stream of zlib has at least "
                + "eight.")
        for count in 1..<stream.count {
            #expect(
                refusal(Array(stream[..<count]), claimed: 68)
                    == "A compressed payload cannot be decompressed: it is no stream of zlib, or is cut off or damaged."
            )
        }
    }

    @Test("a flipped bit is noticed, or does not matter")
    func damaged() throws {
        let stream = deflated(bytes)
        var noticed = 0
        for bit in 0..<stream.count * 8 {
            var damaged = stream
            damaged[bit / 8] ^= 1 << (bit % 8)
            do {
                let payload = Payload(bytes: damaged, format: .zlib(68, encoding: .raw))
                #expect(try decode([UInt8].self, from: payload) == bytes)
            } catch {
                guard case WireError.decompressionFailed = error else { throw error }
                noticed += 1
            }
        }
        // All but what fills the last byte before the checksum.
        #expect(noticed > stream.count * 8 - 8)
    }

    @Test("other formats than zlib's are refused")
    func otherFormats() {
        let deflate = Array(deflated(bytes)[2...].dropLast(4))
        let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + deflate + [UInt8](repeating: 0, count: 8)
        // A stream that needs a dictionary.
        let dictionary: [UInt8] = [0x78, 0x20, 1, 2, 3, 4] + deflate
        for stream in [deflate, gzip, dictionary, [UInt8](repeating: 0, count: 100)] {
            #expect(
                refusal(stream, claimed: 68)
                    == "A compressed payload cannot be decompressed: it is no stream of zlib, or is cut off or damaged."
            )
        }
    }

    @Test("what was compressed is checked like everything else")
    func checkedAfterwards() {
        let fields = RawMessage().message(1, RawMessage().content(9, RawMessage().content(1, [1, 2, 3]).bytes))
        #expect(
            errorText {
                try decode([Int].self, from: Payload(bytes: deflated(fields.bytes), format: .zlib(fields.bytes.count)))
            }
                == "The bytes are not the values of a payload: an array of numbers ends within a number (at byte 4).")
    }
}
