internal import CProto
import Synchronization

/// Finds out which shared values are among the arguments of a call, so that they are there until it is done.
enum SharedUse {
    /// Most programs share nothing, and pay no more than looking at this.
    private static let isAnythingShared = Atomic<Bool>(false)

    private final class Collector {
        var segments: [SharedSegment] = []
        /// Nothing is sent: values are told apart by what they are, and not by where.
        let isForChecksum: Bool

        init(isForChecksum: Bool = false) { self.isForChecksum = isForChecksum }
    }

    private static var collector: Collector? {
        futures_encoding_context().map { Unmanaged<Collector>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Whether what is being encoded in this thread has to be the same in every run of the program.
    static var isForChecksum: Bool { collector?.isForChecksum ?? false }

    /// A call that is being encoded in this thread has it among its arguments.
    static func hold(_ segment: SharedSegment) {
        guard let collector else { return }
        if collector.segments.last !== segment { collector.segments.append(segment) }
    }

    static func somethingIsShared() { isAnythingShared.store(true, ordering: .relaxed) }

    /// Encodes arguments.
    ///
    /// - Parameter hold: is given what has to live until the call is done; not called if that is nothing.
    @inline(__always)
    static func encoding<R>(_ encode: () throws -> R, hold: ([SharedSegment]) -> Void) throws -> R {
        guard isAnythingShared.load(ordering: .relaxed) else { return try encode() }
        let collector = Collector()
        let result = try within(collector, encode)
        if !collector.segments.isEmpty { hold(collector.segments) }
        return result
    }

    /// Encodes arguments so that they are the same in every run of the program.
    static func encodingForChecksum<R>(_ encode: () throws -> R) rethrows -> R {
        guard isAnythingShared.load(ordering: .relaxed) else { return try encode() }
        return try within(Collector(isForChecksum: true), encode)
    }

    private static func within<R>(_ collector: Collector, _ encode: () throws -> R) rethrows -> R {
        let outer = futures_encoding_context()
        futures_set_encoding_context(Unmanaged.passUnretained(collector).toOpaque())
        defer { futures_set_encoding_context(outer) }
        return try withExtendedLifetime(collector, encode)
    }
}

extension AnyFuture {
    /// Keeps shared values alive until it is done.
    func hold(_ segments: [SharedSegment]) { addCallback { _ in withExtendedLifetime(segments) {} } }
}
