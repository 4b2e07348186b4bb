internal import CProto

/// Whether and how payloads are compressed before they are sent.
public struct CompressionPolicy: Sendable, Hashable {
    /// Whether any are.
    public let isEnabled: Bool
    /// Payloads of fewer bytes are left as they are.
    public let threshold: Int
    /// zlib level, 1 (fast) ... 9 (small).
    public let level: Int

    /// Never: right for pipes, which are faster than zlib.
    public static let off = CompressionPolicy(isEnabled: false, threshold: .max, level: 1)

    /// With zlib, payloads of at least `threshold` bytes. Levels beyond 1...9 are brought into that range.
    public static func zlib(level: Int = 1, threshold: Int = 64 * 1024) -> CompressionPolicy {
        CompressionPolicy(isEnabled: true, threshold: max(threshold, 0), level: min(max(level, 1), 9))
    }
}

extension Payload {
    /// The payload compressed as the policy says; the payload itself if the policy says no, or if it would not shrink by
    /// a sixteenth at least. Of a large payload three small samples are tried first, so that what does not compress costs
    /// next to nothing.
    public func compressed(by policy: CompressionPolicy) -> Payload {
        guard policy.isEnabled, format.compression == .none, bytes.count >= max(policy.threshold, 1) else {
            return self
        }
        if bytes.count >= Self.sampledSize, !samplesShrink { return self }
        let room = bytes.count - bytes.count / 16 - 1
        let outcome = bytes.withUnsafeBufferPointer {
            futures_deflate($0.baseAddress, $0.count, Int32(policy.level), room)
        }
        guard outcome.status == FUTURES_ZLIB_OK else { return self }
        defer { futures_free(outcome.bytes) }
        return Payload(
            bytes: Array(UnsafeBufferPointer(start: outcome.bytes, count: outcome.length)),
            format: PayloadFormat(
                encoding: format.encoding, compression: .zlib, decompressedSize: UInt64(bytes.count)))
    }

    private static var sampledSize: Int { 64 * 1024 }

    /// Whether 4 KiB from the beginning, the middle and the end compress to less than nine tenths.
    private var samplesShrink: Bool {
        let size = 4096
        var sample: [UInt8] = []
        sample.reserveCapacity(3 * size)
        for start in [0, bytes.count / 2, bytes.count - size] { sample += bytes[start..<start + size] }
        let outcome = sample.withUnsafeBufferPointer {
            futures_deflate($0.baseAddress, $0.count, 1, sample.count / 10 * 9)
        }
        futures_free(outcome.bytes)
        return outcome.status == FUTURES_ZLIB_OK
    }
}

/// Bytes that zlib has given.
final class InflatedBytes {
    let pointer: UnsafeMutablePointer<UInt8>?
    let count: Int

    /// Inflates a payload; its claimed size is checked against the limit before anything else.
    init(_ bytes: UnsafeRawBufferPointer, claimed: UInt64, limits: WireLimits) throws(WireError) {
        guard claimed <= limits.maxDecompressedSize, claimed <= UInt64(Int.max / 4) else {
            throw .decompressedTooLarge(claimed: claimed, limit: limits.maxDecompressedSize)
        }
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            throw .decompressionFailed(reason: "there are no bytes, and a stream of zlib has at least eight")
        }
        let outcome = futures_inflate(start.assumingMemoryBound(to: UInt8.self), bytes.count, Int(claimed))
        switch outcome.status {
        case FUTURES_ZLIB_OK: break
        case FUTURES_ZLIB_LONGER:
            throw .decompressionFailed(reason: "it holds more than the \(claimed) bytes it claims")
        case FUTURES_ZLIB_SHORTER:
            throw .decompressionFailed(reason: "it holds fewer than the \(claimed) bytes it claims")
        case FUTURES_ZLIB_TRAILING:
            throw .decompressionFailed(reason: "there are bytes after the end of the stream of zlib")
        case FUTURES_ZLIB_NO_MEMORY:
            throw .decompressionFailed(reason: "there is no memory for \(claimed) bytes")
        default:
            throw .decompressionFailed(reason: "it is no stream of zlib, or is cut off or damaged")
        }
        pointer = outcome.bytes
        count = outcome.length
    }

    deinit {
        futures_free(pointer)
    }

    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: count) }
}
