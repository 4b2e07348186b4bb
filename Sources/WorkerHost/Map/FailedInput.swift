import Futures

/// The file for the input of what failed: as it was, and with an end of its own behind a last record that has none.
final class FailedInput {
    private let output: RecordOutput
    /// How far it is in a block that has elements of single records; they come in order mostly.
    private var walk: (block: Int, walk: RecordWalk, next: Int)?
    /// The block of the last one.
    private var records: (block: Int, chunk: RecordChunk)?
    private var bytes: [UInt8] = []

    init(path: FileName) throws(OutputError) { output = try RecordOutput(path: path) }

    /// Adds the input of an element.
    ///
    /// - Throws: ``OutputError``. What cannot be read any more is told, and left out.
    func add(_ place: Place) throws(OutputError) {
        bytes = []
        // An empty file.
        if place.block.length == 0 { return }
        do {
            try loaded(place)?.withBytes { block in
                bytes += place.block.firstLine == nil ? block : try record(place, in: block)
            }
        } catch {
            complain("\(place.description): what failed there is not collected: \(described(error))")
            return
        }
        if let end = place.block.format.delimiter, let last = bytes.last, last != end { bytes.append(end) }
        try output.write { $0 += bytes }
    }

    func flush() throws(OutputError) { try output.flush() }

    func finish() throws(OutputError) { try output.finish() }

    /// The records of its block. Read, not mapped: who cuts a file that is mapped ends the program.
    private func loaded(_ place: Place) throws -> RecordChunk? {
        if let records, records.block == place.blockNumber { return records.chunk }
        records = nil
        guard let chunk = try place.block.records?.loaded() else { return nil }
        records = (place.blockNumber, chunk)
        return chunk
    }

    private func record(_ place: Place, in block: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
        var (walk, next) = (RecordWalk(place.block.format), 0)
        if let last = self.walk, last.block == place.blockNumber, last.next <= place.index {
            (walk, next) = (last.walk, last.next)
        }
        self.walk = nil
        while let record = walk.next(in: block) {
            next += 1
            guard next > place.index else { continue }
            self.walk = (place.blockNumber, walk, next)
            return record
        }
        throw FewerRecords(name: place.block.input.shown)
    }
}

/// A file has changed since its records were counted.
private struct FewerRecords: Error, CustomStringConvertible {
    let name: String
    var description: String { "\(name) has fewer records there than before" }
}
