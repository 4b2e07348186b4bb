import Glibc
import Wire

/// A file in which the results of a map are kept as they come, so that the map can go on where it stopped.
///
/// ```swift
/// let journal = try MapJournal(at: "sizes.journal")
/// for try await size in try pool.journaled(in: journal).map(measure, pages, bufferSize: 1000) { ... }
/// ```
///
/// Run again, after a crash, a kill or Ctrl-C, the same program gets the results that are in the journal from there, in their
/// places, and only the other elements are run. A finished element is in the journal when its result can be taken. The file is safe against
/// a kill at any byte. (After a power failure what the system had not written is gone: those elements are run again.)
///
/// The input has to be the same: it is read again, and each chunk's encoded arguments are compared by a checksum with those of
/// the entry that stands for it. Where they differ the map ends with ``MapJournalError/otherInput(path:element:)``. Dictionaries
/// and sets have another order in each run of a program: arguments with more than one element in them are not recognised.
///
/// A chunk is kept as a whole: if one of its elements did not come to an end (it was cancelled, or its pool broke), or its results
/// are more than a message may be (1 GiB), it is run again. Each chunk in the journal takes some 100 bytes of memory, and chunks are
/// read again as they were, whatever the `bufferSize`.
///
/// One program at a time uses a journal, and one map: when another one begins, the first ends with
/// ``MapJournalError/inUse(path:)``, and only its calls that run already are kept. All methods may be called from any thread.
public final class MapJournal: Sendable {
    /// What is to be done with a file that is there.
    public enum Mode: Sendable, Hashable {
        /// An error, so that nothing is resumed by mistake; unless it is the journal of a map of which nothing is finished.
        case new
        /// It is gone on with; made if it is not there.
        case resume
    }

    /// Where the file is.
    public let path: String
    /// Whether elements that failed are run again; otherwise their errors come from the journal. An error then is a
    /// ``RemoteError`` unless its type is one that the callable names.
    public let retriesFailures: Bool

    private struct State: ~Copyable {
        var file: JournalFile
        /// The function of the map, once there was one.
        var function: String?
        var entries = Entries()
        /// Counts the maps; the last one has the journal.
        var map = 0
    }

    /// What is known of an entry without its results.
    struct Entry: Sendable {
        let first: Int
        let count: Int
        let inputChecksum: UInt32
        let place: JournalFile.Place
    }

    /// Entries that do not overlap.
    struct Entries: Sendable {
        private var byFirst: [Int: Entry] = [:]
        /// Ascending.
        private var firsts: [Int] = []
        /// How many elements they have.
        private(set) var elementCount = 0

        subscript(first: Int) -> Entry? { byFirst[first] }

        /// The index of the first entry that begins behind an element.
        private func index(behind element: Int) -> Int {
            // Mostly they come in order.
            if firsts.last.map({ $0 <= element }) ?? true { return firsts.count }
            var (low, high) = (0, firsts.count)
            while low < high {
                let middle = (low + high) / 2
                if firsts[middle] > element { high = middle } else { low = middle + 1 }
            }
            return low
        }

        /// Where the first entry behind an element begins; nil if there is none.
        func begin(behind element: Int) -> Int? {
            let index = index(behind: element)
            return index < firsts.count ? firsts[index] : nil
        }

        /// Whether a chunk may be added: its elements are new, or are those of one entry, as in a further try. Calls of a map that
        /// was ended and begun again may come in late, in chunks of another size.
        func hasRoom(for first: Int, count: Int) -> Bool {
            if let same = byFirst[first] { return same.count == count }
            let next = index(behind: first)
            if next < firsts.count, firsts[next] - first < count { return false }
            guard next > 0, let before = byFirst[firsts[next - 1]] else { return true }
            return before.first + before.count <= first
        }

        mutating func add(_ entry: Entry) {
            guard hasRoom(for: entry.first, count: entry.count) else { return }
            if byFirst.updateValue(entry, forKey: entry.first) != nil { return }
            firsts.insert(entry.first, at: index(behind: entry.first))
            elementCount += entry.count
        }
    }

    private let state: Mutex<State>
    /// Where results are encoded and written.
    let thread = CallbackThread(name: "futures-journal")

    private enum Kind: UInt8 { case function = 1, entry = 2 }
    /// Kind, first element, count, checksum of the input.
    private static let entryHead = 1 + 8 + 4 + 4

    /// Opens a journal, and reads it once to see what it has. Waits up to a second for another program that has it open.
    ///
    /// - Throws: ``MapJournalError`` for a file that is there and should not be, is in use, or is no journal; ``SystemError``.
    public init(at path: String, mode: Mode = .resume, retriesFailures: Bool = false) throws {
        self.path = path
        self.retriesFailures = retriesFailures
        var file = try JournalFile(path)
        var function: String?
        var entries = Entries()
        try file.readIndex { body, place in
            switch body.first.flatMap(Kind.init) {
            case .function: function = String(decoding: body.dropFirst(), as: UTF8.self)
            case .entry:
                guard let entry = Self.entry(body, place) else { throw MapJournalError.notAJournal(path: path) }
                if mode == .new { throw MapJournalError.exists(path: path) }
                entries.add(entry)
            case nil: throw MapJournalError.notAJournal(path: path)
            }
        }
        if mode == .new, function != nil {
            // Of a map that failed before any of its elements was finished.
            try file.clear()
            function = nil
        }
        state = Mutex(State(file: file, function: function, entries: entries))
    }

    deinit { thread.finish {} }

    /// How many elements are in the journal, those that failed too.
    public var finishedElements: Int { state.withLock { $0.entries.elementCount } }

    private static func entry(_ bytes: [UInt8], _ place: JournalFile.Place) -> Entry? {
        guard bytes.count >= entryHead else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        guard let first = Int(exactly: number(1..<9)), let count = Int(exactly: number(9..<13)), count > 0,
            first <= .max - count
        else { return nil }
        return Entry(first: first, count: count, inputChecksum: UInt32(number(13..<17)), place: place)
    }

    // MARK: For a map

    /// - Throws: ``MapJournalError/otherFunction(path:journal:map:)`` if the journal is of another function.
    func check(_ function: String) throws(MapJournalError) {
        let ours = state.withLock { $0.function }
        if let ours, ours != function { throw .otherFunction(path: path, journal: ours, map: function) }
    }

    /// A map of a function begins; one that was under way gets no further.
    ///
    /// - Returns: its number, for ``check(_:)``.
    func begin(_ text: String) throws(MapJournalError) -> Int {
        try check(text)
        return try state.withLock { state throws(MapJournalError) in
            if state.function == nil {
                _ = try state.file.append([Kind.function.rawValue] + Array(text.utf8))
                state.function = text
            }
            state.map += 1
            return state.map
        }
    }

    /// - Throws: ``MapJournalError/inUse(path:)`` if another map has begun since.
    func check(_ map: Int) throws(MapJournalError) {
        if state.withLock({ $0.map != map }) { throw .inUse(path: path) }
    }

    func entry(at element: Int) -> Entry? { state.withLock { $0.entries[element] } }

    /// How many elements the chunk at a place has that has no entry, of which so many were proposed: no more than up to the next
    /// one.
    func chunkSize(at element: Int, proposed: Int) -> Int {
        state.withLock { state in
            state.entries.begin(behind: element).map { min(proposed, $0 - element) } ?? proposed
        }
    }

    /// The frame of a chunk's results; nil if it is damaged.
    func frame(of entry: Entry) throws -> [UInt8]? {
        let body = try state.withLock { state in try state.file.body(at: entry.place) }
        return body.map { Array($0[Self.entryHead...]) }
    }

    /// Adds the results of a chunk, unless there are others of some of its elements.
    ///
    /// - Parameter old: the entry that they replace; a call of an earlier map, which comes in late, replaces none that has come
    ///   meanwhile.
    func append(
        first: Int, count: Int, inputChecksum: UInt32, frame: [UInt8], replacing old: Entry?
    ) throws(MapJournalError) {
        var body: [UInt8] = [Kind.entry.rawValue]
        body.reserveCapacity(Self.entryHead + frame.count)
        withUnsafeBytes(of: UInt64(first).littleEndian) { body += $0 }
        withUnsafeBytes(of: UInt32(count).littleEndian) { body += $0 }
        withUnsafeBytes(of: inputChecksum.littleEndian) { body += $0 }
        body += frame
        try state.withLock { state throws(MapJournalError) in
            guard state.entries.hasRoom(for: first, count: count), state.entries[first]?.place == old?.place else {
                return
            }
            let place = try state.file.append(body)
            state.entries.add(Entry(first: first, count: count, inputChecksum: inputChecksum, place: place))
        }
    }
}

/// A journal cannot be used for a map.
public enum MapJournalError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There are results in the file, and a new one was asked for.
    case exists(path: String)
    /// Another program, or another map, uses it.
    case inUse(path: String)
    /// The file is something else.
    case notAJournal(path: String)
    /// From this byte on it is damaged, and not only cut off: nothing was changed.
    case damaged(path: String, offset: Int)
    /// It is of a map of another function; both with their types.
    case otherFunction(path: String, journal: String, map: String)
    /// From this element on the input is not that of the map which the journal is of.
    case otherInput(path: String, element: Int)
    /// It could not be written to; the number is one of errno(3).
    case cannotWrite(path: String, errno: Int32)

    /// What is wrong, with the path.
    public var description: String {
        switch self {
        case .exists(let path): "there is a journal \(path) already: resume, or remove it"
        case .inUse(let path): "the journal \(path) is in use"
        case .notAJournal(let path): "\(path) is not the journal of a map"
        case .damaged(let path, let offset):
            """
            the journal \(path) is damaged at byte \(offset), and not only cut off as by a kill; to go on with what is before \
            it: truncate -s \(offset) \(path)
            """
        case .otherFunction(let path, let journal, let map):
            "the journal \(path) is of a map of \(journal), not of \(map)"
        case .otherInput(let path, let element):
            "the input is not that of the journal \(path): it differs in the chunk that begins with element \(element)"
        case .cannotWrite(let path, let number):
            "the journal \(path) cannot be written: \(String(cString: strerror(number)))"
        }
    }
}
