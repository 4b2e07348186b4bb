import Glibc
import TestSupport
import Testing
import Wire

@testable import Futures

/// The file below a map's journal: records, and what a kill leaves of them.
@Suite struct JournalFileTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.file("journal") }
    private let bodies: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 7, count: 5_000), [9]]

    /// The bodies that are there, read whole.
    private func read() throws -> [[UInt8]] {
        var file = try JournalFile(path)
        var places: [JournalFile.Place] = []
        var bodies: [[UInt8]] = []
        try file.readIndex { body, place in
            bodies.append(body)
            places.append(place)
        }
        for (body, place) in zip(bodies, places) { #expect(try file.body(at: place) == body) }
        return bodies
    }

    private func append(_ bodies: [[UInt8]]) throws {
        var file = try JournalFile(path)
        try file.readIndex { _, _ in }
        for body in bodies { _ = try file.append(body) }
    }

    @Test("what was appended is there, also after it was opened again")
    func appended() throws {
        #expect(try read() == [])
        try append(Array(bodies[..<2]))
        try append(Array(bodies[2...]))
        #expect(try read() == bodies)
    }

    @Test("cut at any byte, it has the records that are whole, and goes on from there")
    func cutAnywhere() throws {
        try append([[5, 6], [7]])
        let whole = try #require(ProcFiles.bytes(of: path))
        for length in 0...whole.count {
            _ = folder.write(whole[..<length], to: "journal")
            let expected: ArraySlice<[UInt8]> = [[5, 6], [7]].prefix(
                length >= whole.count ? 2 : length >= whole.count - 13 ? 1 : 0)
            #expect(try read() == Array(expected), "\(length)")
            try append([[8]])
            #expect(try read() == expected + [[8]], "\(length)")
        }
    }

    @Test("beyond the size that a file may have it is an error, not the program's end, and what is shared likewise")
    func sizeLimit() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryFolder()
            let bytes = [UInt8](repeating: 7, count: 10_000)
            var file = try JournalFile(folder.file("journal"))
            try file.readIndex { _, _ in }
            // As the main thread of a program has it; those of Swift's tasks hold signals back.
            signal(SIGXFSZ, SIG_DFL)
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGXFSZ)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var before = limit
            limit.rlim_cur = 4096
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let error = #expect(throws: MapJournalError.self) { _ = try file.append(bytes) }
            let shared = #expect(throws: SystemError.self) {
                _ = try SharedSegment(Payload(bytes: bytes, format: .raw))
            }
            _ = try file.append([1, 2])
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
            #expect(error == .cannotWrite(path: folder.file("journal"), errno: EFBIG), "the journal")
            #expect(shared?.number == EFBIG, "the shared value")
            var bodies: [[UInt8]] = []
            try file.readIndex { body, _ in bodies.append(body) }
            #expect(bodies == [[1, 2]], "what is there")
        }
    }

    @Test("a record with other bytes than were written is passed over, and cut off if it is the last")
    func damaged() throws {
        try append([[5, 6], [7]])
        let whole = try #require(ProcFiles.bytes(of: path))
        var bytes = whole
        bytes[bytes.count - 1] ^= 1
        _ = folder.write(bytes[...], to: "journal")
        #expect(try read() == [[5, 6]])
        #expect(ProcFiles.bytes(of: path)?.count == whole.count - 13)
        bytes = whole
        bytes[20] ^= 1
        _ = folder.write(bytes[...], to: "journal")
        #expect(try read() == [[7]])
        #expect(ProcFiles.bytes(of: path) == bytes)
    }

    @Test("where a length is damaged nothing is cut off; zeros at the end are what a power failure leaves")
    func damagedHead() throws {
        try append([[5, 6], [7]])
        let whole = try #require(ProcFiles.bytes(of: path))
        for offset in 8..<20 {
            var bytes = whole
            bytes[offset] ^= 0x40
            _ = folder.write(bytes[...], to: "journal")
            #expect(throws: MapJournalError.damaged(path: path, offset: 8), "\(offset)") { try read() }
            #expect(ProcFiles.bytes(of: path) == bytes)
        }
        for zeros in [1, 12, 13, 100_000] {
            _ = folder.write((whole + [UInt8](repeating: 0, count: zeros))[...], to: "journal")
            #expect(try read() == [[5, 6], [7]])
            #expect(ProcFiles.bytes(of: path) == whole)
        }
    }

    @Test("files that cannot be one")
    func refused() throws {
        for text in ["x", "FUTJNL02 and more", "a text that is long enough"] {
            _ = folder.write(text, to: "journal")
            #expect(throws: MapJournalError.notAJournal(path: path)) { try read() }
        }
        unlink(path)
        try append([])
        let held = try JournalFile(path)
        #expect(throws: MapJournalError.inUse(path: path)) { try { _ = try JournalFile(path) }() }
        _ = consume held
        #expect(throws: SystemError.self) { try { _ = try JournalFile("/nowhere/x") }() }
        #expect(throws: SystemError.self) { try { _ = try JournalFile(folder.path) }() }
    }

    @Test("a disk that is full is an error, and leaves the file as it was")
    func full() throws {
        try append([[1]])
        let before = try #require(ProcFiles.bytes(of: path))
        var file = try JournalFile(path)
        try file.readIndex { _, _ in }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)
        let old = limit
        signal(SIGXFSZ, SIG_IGN)
        limit.rlim_cur = rlim_t(before.count + 4)
        setrlimit(__rlimit_resource_t(1), &limit)
        var error: (any Error)?
        do { _ = try file.append([1, 2, 3]) } catch let thrown { error = thrown }
        limit = old
        setrlimit(__rlimit_resource_t(1), &limit)
        #expect(error as? MapJournalError == .cannotWrite(path: path, errno: EFBIG))
        #expect(ProcFiles.bytes(of: path) == before)
        _ = try file.append([2])
        _ = consume file
        #expect(try read() == [[1], [2]])
    }
}
