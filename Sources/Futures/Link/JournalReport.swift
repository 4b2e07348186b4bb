import Glibc
import Synchronization

// What a call says of itself, in its worker's journal: a place of its own, behind the words of the header.

extension JournalLayout {
    /// The numbers of a report are words of 8 bytes from `offset` on, and its text follows them.
    enum Report: Int, CaseIterable {
        /// Odd while the others are being changed; 0 before the first.
        case sequence
        case task
        case attempt
        /// As the header's.
        case element
        /// The bits of a double; not a number for none.
        case fraction
        case length

        static let offset = 512
        static let longestText = 120
        static let textOffset = offset + allCases.count * MemoryLayout<UInt64>.stride
        static let size = textOffset - offset + longestText
    }
}

extension WorkerJournal {
    /// What the call, or element, that the worker has come to has said of itself; nil for nothing.
    func report(of note: Note) -> CallReport? {
        // A call that reports without a pause may change it each time; then it has said nothing that can be read.
        for _ in 0..<20 {
            guard let first = reportBytes(), let second = reportBytes() else { return nil }
            let sequence = first.word(.sequence)
            guard sequence == second.word(.sequence), sequence % 2 == 0 else { continue }
            guard sequence > 0, first.word(.task) == note.task, first.word(.attempt) == UInt64(note.attempt),
                first.word(.element) == note.element.map({ UInt64($0) + 1 }) ?? 0
            else { return nil }
            let length = min(first.word(.length), UInt64(JournalLayout.Report.longestText))
            let text = first[(JournalLayout.Report.textOffset - JournalLayout.Report.offset)...].prefix(Int(length))
            return CallReport(fraction: Double(bitPattern: first.word(.fraction)), text: text)
        }
        return nil
    }

    private func reportBytes() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: JournalLayout.Report.size)
        let isThere = bytes.withUnsafeMutableBytes {
            (try? descriptor.read(into: $0, at: JournalLayout.Report.offset)) ?? false
        }
        return isThere ? bytes : nil
    }
}

extension [UInt8] {
    fileprivate func word(_ word: JournalLayout.Report) -> UInt64 {
        withUnsafeBytes {
            UInt64(
                littleEndian: $0.loadUnaligned(
                    fromByteOffset: word.rawValue * MemoryLayout<UInt64>.stride, as: UInt64.self))
        }
    }
}

extension JournalWriter {
    /// The call at hand says something of itself. For one thread at a time.
    ///
    /// - Parameters:
    ///   - fraction: nil for the one that it said before.
    ///   - message: likewise.
    func report(fraction: Double?, _ message: String?) {
        let call = (task: noted(.task), attempt: noted(.attempt), element: noted(.element))
        let isFirst = (load(.task), load(.attempt), load(.element)) != call
        let sequence = load(.sequence) | 1
        store(sequence, .sequence)
        store(call.task, .task)
        store(call.attempt, .attempt)
        store(call.element, .element)
        if fraction != nil || isFirst { store((fraction ?? .nan).bitPattern, .fraction) }
        if message != nil || isFirst { store(text: message ?? "") }
        store(sequence &+ 1, .sequence)
    }

    /// Cut where a character ends.
    private func store(text: String) {
        var text = text
        let length = text.withUTF8 { utf8 in
            var length = min(utf8.count, JournalLayout.Report.longestText)
            while length > 0, length < utf8.count, utf8[length] & 0xC0 == 0x80 { length -= 1 }
            // Word by word, each after the one before it, as the other numbers.
            for start in stride(from: 0, to: length, by: 8) {
                var word: UInt64 = 0
                withUnsafeMutableBytes(of: &word) {
                    $0.copyBytes(from: utf8[start..<min(start + 8, length)])
                }
                cell(at: JournalLayout.Report.textOffset + start).pointee.store(word, ordering: .releasing)
            }
            return length
        }
        store(UInt64(length), .length)
    }

    private func cell(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    private func cell(of word: JournalLayout.Report) -> UnsafeMutablePointer<Atomic<UInt64>> {
        cell(at: JournalLayout.Report.offset + word.rawValue * MemoryLayout<UInt64>.stride)
    }

    private func store(_ value: UInt64, _ word: JournalLayout.Report) {
        cell(of: word).pointee.store(value, ordering: .releasing)
    }

    private func load(_ word: JournalLayout.Report) -> UInt64 { cell(of: word).pointee.load(ordering: .relaxed) }

    private func noted(_ word: JournalLayout.Word) -> UInt64 {
        cell(at: word.rawValue * MemoryLayout<UInt64>.stride).pointee.load(ordering: .relaxed)
    }
}
