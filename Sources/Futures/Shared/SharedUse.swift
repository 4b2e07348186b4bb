internal import CProto
import Synchronization

/// Finds out which shared values are among what a thread encodes, from ``begin(isForChecksum:)`` to ``end()``: they have to be
/// there until the call is done. In between others may begin and end.
///
/// Not a function that calls a closure: one that captures a pack of arguments copies them by way of their types.
final class SharedUse {
    /// Most programs share nothing, and pay no more than looking at this.
    private static let isAnythingShared = Atomic<Bool>(false)

    /// What was found.
    private(set) var segments: [SharedSegment] = []
    /// Nothing is sent: values are told apart by what they are, and not by where.
    private let isForChecksum: Bool
    /// The one that began before.
    private let outer = futures_encoding_context()

    private init(isForChecksum: Bool) { self.isForChecksum = isForChecksum }

    /// - Parameter isForChecksum: whether what is encoded has to be the same in every run of the program.
    /// - Returns: nil as long as the program shares nothing.
    static func begin(isForChecksum: Bool = false) -> SharedUse? {
        guard isAnythingShared.load(ordering: .relaxed) else { return nil }
        let use = SharedUse(isForChecksum: isForChecksum)
        futures_set_encoding_context(Unmanaged.passUnretained(use).toOpaque())
        return use
    }

    func end() { futures_set_encoding_context(outer) }

    private static var current: SharedUse? {
        futures_encoding_context().map { Unmanaged<SharedUse>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Whether what is being encoded in this thread has to be the same in every run of the program.
    static var isForChecksum: Bool { current?.isForChecksum ?? false }

    /// What is being encoded in this thread has it among its values.
    static func hold(_ segment: SharedSegment) {
        guard let current else { return }
        if current.segments.last !== segment { current.segments.append(segment) }
    }

    static func somethingIsShared() { isAnythingShared.store(true, ordering: .relaxed) }
}

extension AnyFuture {
    /// Keeps shared values alive until it is done.
    func hold(_ segments: [SharedSegment]) {
        if !segments.isEmpty { addCallback { _ in withExtendedLifetime(segments) {} } }
    }
}
