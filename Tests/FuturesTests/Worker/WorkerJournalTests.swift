import Glibc
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// What a worker notes for the time after its end.
    @Suite struct WorkerJournalTests {
        private func writer(of journal: borrowing WorkerJournal) throws -> JournalWriter {
            try #require(JournalWriter(descriptor: dup(journal.descriptor.rawValue)))
        }

        @Test("tells what was begun last, and which element")
        func notes() throws {
            try Leftovers.check {
                let journal = try WorkerJournal()
                #expect(journal.read() == .unused)
                let writer = try writer(of: journal)
                #expect(journal.read() == .nothing)
                writer.begin(task: 7, attempt: 3, at: 1_000)
                #expect(journal.read() == .last(.init(task: 7, attempt: 3, element: nil, since: 1_000)))
                writer.beginElement(0)
                #expect(journal.read() == .last(.init(task: 7, attempt: 3, element: 0, since: 1_000)))
                writer.begin(task: .max, attempt: .max, at: -1)
                #expect(journal.read() == .last(.init(task: .max, attempt: .max, element: nil, since: -1)))
            }
        }

        @Test("gives back what was noted and not received, around the end of the ring")
        func ring() throws {
            let journal = try WorkerJournal()
            let writer = try writer(of: journal)
            #expect(journal.unwritten(after: 0).isEmpty)
            var stream: [UInt8] = []
            for round in 0..<40 {
                let piece = (0..<5_000).map { UInt8(truncatingIfNeeded: round + $0) }
                stream += piece
                piece.withUnsafeBytes { writer.append($0, end: UInt64(stream.count)) }
                for missing in [0, 1, 4_999, 5_000, min(stream.count, JournalLayout.ringSize)] {
                    let received = UInt64(stream.count - missing)
                    #expect(journal.unwritten(after: received) == stream.suffix(missing))
                }
            }
            #expect(journal.unwritten(after: UInt64(stream.count - JournalLayout.ringSize - 1)).isEmpty, "overwritten")
            #expect(journal.unwritten(after: .max).isEmpty)
        }

        @Test("whatever is in it, reading it neither traps nor hangs")
        func garbage() throws {
            let journal = try WorkerJournal()
            for _ in 0..<200 {
                var words = (0..<7).map { _ in UInt64.random(in: .min ... .max) >> UInt64.random(in: 0..<64) }
                if Bool.random() { words[0] = JournalLayout.magic }
                _ = words.withUnsafeBytes { pwrite(journal.descriptor.rawValue, $0.baseAddress, $0.count, 0) }
                _ = journal.read()
                let bytes = journal.unwritten(after: .random(in: 0...100_000))
                #expect(bytes.count <= JournalLayout.ringSize)
            }
            #expect(ftruncate(journal.descriptor.rawValue, 0) != 0, "nobody can cut it")
            #expect(ftruncate(journal.descriptor.rawValue, 1 << 30) != 0, "nobody can grow it")
        }

        @Test("another file in its place is left alone")
        func otherFile() throws {
            let file = open("/dev/null", O_RDWR)
            #expect(JournalWriter(descriptor: file) == nil)
            #expect(fcntl(file, F_GETFD) >= 0)
            close(file)
            #expect(JournalWriter(descriptor: 987_654) == nil)
        }
    }
}
