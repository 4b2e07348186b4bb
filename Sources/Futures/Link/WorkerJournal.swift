import Glibc
import Synchronization

/// Memory that a worker shares with its pool, for what has to be known when the worker is gone: what it was running, and the
/// answers that it had finished and not yet written.
///
/// The worker maps it and notes there what it does, at the cost of a few stores. The pool reads it as a file, so that nothing
/// that the worker does to it can trap here. What it says is no more trusted than what comes through the pipe.
///
/// The answers lie in a ring, each byte at its place in the stream of everything that the worker writes. The pool knows how
/// many bytes it has received: what is missing up to `end` is in the ring.
struct WorkerJournal: ~Copyable, Sendable {
    let descriptor: FileDescriptor

    init() throws(SystemError) {
        descriptor = try FileDescriptor.memory(name: "futures-journal", size: JournalLayout.size)
    }

    /// What a worker says that it is doing.
    struct Note: Equatable {
        let task: UInt64
        let attempt: UInt32
        /// The element of a chunk; nil for a single call.
        let element: UInt32?
        /// When it, or the element, was begun, by the monotonic clock; for elements only where that was asked for.
        let since: Int64
    }

    enum Reading: Equatable {
        /// The worker does not use its journal.
        case unused
        /// It has begun nothing yet.
        case nothing
        /// The last that it has begun; it may have finished it.
        case last(Note)
    }

    /// What the worker noted last.
    func read() -> Reading {
        // A worker that is alive may change it meanwhile; after some tries it is taken for one that does not.
        for _ in 0..<100 {
            guard let first = header(), let second = header() else { return .unused }
            guard first.magic == JournalLayout.magic else { return .unused }
            guard first.sequence == second.sequence, first.sequence % 2 == 0 else { continue }
            if first.sequence == 0 { return .nothing }
            // The first: what is in the second may have been changed after its number was read.
            let element = first.element
            return .last(
                Note(
                    task: first.task, attempt: UInt32(truncatingIfNeeded: first.attempt),
                    element: element == 0 ? nil : UInt32(truncatingIfNeeded: element - 1),
                    since: Int64(truncatingIfNeeded: first.since)))
        }
        return .unused
    }

    /// What the worker has finished and not written, after the first `received` bytes.
    func unwritten(after received: UInt64) -> [UInt8] {
        guard let header = header(), header.magic == JournalLayout.magic, header.end > received,
            header.end - received <= UInt64(JournalLayout.ringSize)
        else { return [] }
        let count = Int(header.end - received)
        let start = Int(received % UInt64(JournalLayout.ringSize))
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            let first = min(count, JournalLayout.ringSize - start)
            let isThere =
                read(UnsafeMutableRawBufferPointer(rebasing: bytes[..<first]), at: JournalLayout.ringOffset + start)
                && read(UnsafeMutableRawBufferPointer(rebasing: bytes[first..<count]), at: JournalLayout.ringOffset)
            initialized = isThere ? count : 0
        }
    }

    private typealias Header = (
        magic: UInt64, sequence: UInt64, task: UInt64, attempt: UInt64, element: UInt64, since: UInt64, end: UInt64
    )

    private func header() -> Header? {
        var header: Header = (0, 0, 0, 0, 0, 0, 0)
        let isThere = withUnsafeMutableBytes(of: &header) { read($0, at: 0) }
        return isThere ? header : nil
    }

    /// Memory that cannot be read has said nothing.
    private func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        (try? descriptor.read(into: buffer, at: offset)) ?? false
    }
}

enum JournalLayout {
    /// "FUTURES1", read as a number.
    static let magic: UInt64 = 0x3153_4552_5554_5546
    static let ringOffset = 4096
    /// More than the answers that a worker collects before it writes.
    static let ringSize = 64 * 1024
    static let size = ringOffset + ringSize

    enum Word: Int {
        case magic
        /// Odd while the words after it are being changed.
        case sequence
        case task
        case attempt
        /// One more than its index; 0 for none.
        case element
        case since
        /// How many bytes of the stream have been noted.
        case end
    }
}

/// The worker's side of its journal.
///
/// `@unchecked Sendable`: `begin` and `beginElement` are the main thread's; `append` belongs to the role of writing; `report` is
/// guarded by ``CallReporter``.
final class JournalWriter: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    private var sequence: UInt64 = 0

    /// Maps the journal, and closes its descriptor: tasks and their programs must not have it. Nil where there is none, or
    /// another file is in its place.
    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == JournalLayout.size
        else { return nil }
        let address = mmap(nil, JournalLayout.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else { return nil }
        close(descriptor)
        base = address
        store(JournalLayout.magic, .magic)
    }

    deinit { munmap(base, JournalLayout.size) }

    private func store(_ value: UInt64, _ word: JournalLayout.Word) {
        let address = base + word.rawValue * MemoryLayout<UInt64>.stride
        address.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(value, ordering: .releasing)
    }

    /// The main thread begins a task.
    func begin(task: UInt64, attempt: UInt32, at time: Int64) {
        store(sequence + 1, .sequence)
        store(task, .task)
        store(UInt64(attempt), .attempt)
        store(0, .element)
        store(UInt64(bitPattern: time), .since)
        sequence += 2
        store(sequence, .sequence)
    }

    /// The main thread comes to an element of its chunk.
    func beginElement(_ index: Int) { store(UInt64(index) + 1, .element) }

    /// The main thread comes to an element whose time is limited.
    func beginElement(_ index: Int, at time: Int64) {
        store(sequence + 1, .sequence)
        store(UInt64(index) + 1, .element)
        store(UInt64(bitPattern: time), .since)
        sequence += 2
        store(sequence, .sequence)
    }

    /// Notes bytes that are to be written.
    ///
    /// - Parameters:
    ///   - bytes: no more than the ring has.
    ///   - end: how many bytes the stream has with them.
    func append(_ bytes: UnsafeRawBufferPointer, end: UInt64) {
        let ring = base + JournalLayout.ringOffset
        let start = Int((end - UInt64(bytes.count)) % UInt64(JournalLayout.ringSize))
        let first = min(bytes.count, JournalLayout.ringSize - start)
        guard let source = bytes.baseAddress else { return }
        memcpy(ring + start, source, first)
        memcpy(ring, source + first, bytes.count - first)
        store(end, .end)
    }
}
