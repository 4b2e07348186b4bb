import Wire

/// What the compression of a pool's payloads has come to so far.
///
/// A payload is what a call's arguments or its result are encoded to; those of a chunk of a map are one.
public struct CompressionCounts: Sendable, Hashable {
    /// The payloads that went one way.
    public struct Direction: Sendable, Hashable {
        /// How many were compressed.
        public internal(set) var compressed = 0
        /// How many were large enough (``CompressionPolicy/threshold``) and went as they were, since they would not have become
        /// smaller by a sixteenth.
        public internal(set) var incompressible = 0
        /// How many bytes the compressed ones had before, and have without compression.
        public internal(set) var originalBytes = 0
        /// How many bytes they went with.
        public internal(set) var compressedBytes = 0

        /// How many bytes did not travel.
        public var savedBytes: Int { originalBytes - compressedBytes }
    }

    /// What went to workers. A call that is run again counts once.
    public internal(set) var arguments = Direction()
    /// What came back: whole results, and the parts of those of chunks that come by and by.
    public internal(set) var results = Direction()
}

extension ProcessPoolExecutor {
    /// What the compression of payloads has come to since the pool began; nothing but zeros where it is off
    /// (``ProcessPoolOptions/compression``).
    ///
    /// May be called at any time from any thread.
    public var compressionCounts: CompressionCounts { driver.compressions.counts }
}

/// Compresses a pool's arguments, and counts what that comes to, and what it came to in the workers.
final class CompressionMeter: Sendable {
    let policy: CompressionPolicy
    private let state = Mutex(CompressionCounts())

    init(_ policy: CompressionPolicy) { self.policy = policy }

    var counts: CompressionCounts { state.withLock { $0 } }

    func compressed(_ payload: Payload) -> Payload {
        guard policy.isEnabled else { return payload }
        let packed = payload.compressed(by: policy)
        state.withLock { $0.arguments.count(packed.format, packed.bytes.count, policy) }
        return packed
    }

    /// Something came from a worker.
    func received(_ message: Message, _ size: Int) {
        guard policy.isEnabled else { return }
        switch message {
        case .result(let result): state.withLock { $0.results.count(result.format, size, policy) }
        case .chunkResult(let result): state.withLock { $0.results.count(result.format, size, policy) }
        default: break
        }
    }
}

extension CompressionCounts.Direction {
    fileprivate mutating func count(_ format: PayloadFormat, _ size: Int, _ policy: CompressionPolicy) {
        if format.compression == .none {
            if size >= max(policy.threshold, 1) { incompressible += 1 }
        } else {
            compressed += 1
            // A worker may claim anything, and whether it is true is seen later.
            let (sum, isTooLarge) = originalBytes.addingReportingOverflow(Int(clamping: format.decompressedSize))
            originalBytes = isTooLarge ? .max : sum
            compressedBytes += size
        }
    }
}
