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

        @Test("what a call says of itself is there until the next one, cut where a character ends")
        func reports() throws {
            let journal = try WorkerJournal()
            func note(_ task: UInt64, _ attempt: UInt32 = 1, _ element: UInt32? = nil) -> WorkerJournal.Note {
                WorkerJournal.Note(task: task, attempt: attempt, element: element, since: 0)
            }
            #expect(journal.report(of: note(0, 0)) == nil, "nothing was said yet")
            let writer = try writer(of: journal)
            writer.begin(task: 7, attempt: 1, at: 0)
            writer.report(fraction: nil, "begun")
            #expect(journal.report(of: note(7)) == CallReport(fraction: .nan, text: Array("begun".utf8)))
            writer.report(fraction: 0.5, nil)
            #expect(journal.report(of: note(7)) == CallReport(fraction: 0.5, text: Array("begun".utf8)))
            for other in [note(8), note(7, 2), note(7, 1, 0)] { #expect(journal.report(of: other) == nil) }
            writer.beginElement(3)
            writer.report(fraction: 2, nil)
            #expect(journal.report(of: note(7, 1, 3)) == CallReport(fraction: 1, text: []), "of another element")
            writer.report(fraction: nil, String(repeating: "ü", count: 100))
            #expect(journal.report(of: note(7, 1, 3))?.message == String(repeating: "ü", count: 60))
            writer.report(fraction: nil, "x" + String(repeating: "ü", count: 100))
            #expect(journal.report(of: note(7, 1, 3))?.message == "x" + String(repeating: "ü", count: 59))
            // The header is as it was.
            #expect(journal.read() == .last(.init(task: 7, attempt: 1, element: 3, since: 0)))
        }

        @Test("whatever is where reports are, reading it neither traps nor hangs")
        func reportGarbage() throws {
            let journal = try WorkerJournal()
            for _ in 0..<500 {
                var words = (0..<21).map { _ in UInt64.random(in: .min ... .max) >> UInt64.random(in: 0..<64) }
                if Bool.random() { words.replaceSubrange(0..<4, with: [2, 7, 1, 0]) }
                _ = words.withUnsafeBytes {
                    pwrite(journal.descriptor.rawValue, $0.baseAddress, $0.count, off_t(JournalLayout.Report.offset))
                }
                guard
                    let report = journal.report(of: WorkerJournal.Note(task: 7, attempt: 1, element: nil, since: 0))
                else {
                    #expect(words[0] % 2 == 1 || words[0] == 0 || Array(words[1..<4]) != [7, 1, 0])
                    continue
                }
                #expect(report.fraction.map { (0...1).contains($0) } ?? true)
                #expect(report.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
            }
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
