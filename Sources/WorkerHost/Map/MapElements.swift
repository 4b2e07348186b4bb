import Futures

/// The elements of all inputs, for a map.
struct MapElements<Input: ShellInput>: AsyncSequence, Sendable {
    typealias Element = Input

    let inputs: MapInputs
    let places: PlaceBook
    /// Whether the records of what is on its way are kept.
    let keepsRecords: Bool

    func makeAsyncIterator() -> Iterator { Iterator(self) }

    struct Iterator: AsyncIteratorProtocol {
        private enum Chunks {
            case pieces(FilePieces.Iterator)
            case stream(RecordStream.Iterator, MapInputs.Closing?)
        }

        private let elements: MapElements
        private var inputs: ArraySlice<MapInput>
        private var input = MapInput.standardInput
        private var chunks: Chunks?
        private var offset = 0
        /// How many lines, or records, of the input are before the next block.
        private var lines = 0
        /// Whether the input, were it to end here, would be a record without bytes.
        private var isEmptyRecord = false
        /// Of the last block.
        private var rest: ArraySlice<Input> = []

        init(_ elements: MapElements) {
            self.elements = elements
            inputs = elements.inputs.all[...]
        }

        mutating func next() async throws -> Input? {
            while true {
                if let element = rest.popFirst() { return element }
                do {
                    guard let chunk = try await nextChunk() else { return nil }
                    try begin(chunk)
                } catch {
                    throw InputError(name: input.shown, cause: error)
                }
            }
        }

        private mutating func begin(_ chunk: RecordChunk) throws {
            // What is taken apart here is read, not mapped: who cuts a file that is mapped ends the program.
            let records = try Input.readsChunks ? chunk : loaded(chunk)
            rest = try Input.elements(of: records)[...]
            var block = InputBlock(
                input: input, offset: offset, length: chunk.length, format: chunk.format, count: rest.count,
                firstLine: Input.kind == .record ? lines + 1 : nil, records: elements.keepsRecords ? chunk : nil)
            offset += chunk.length
            if Input.kind == .record {
                if chunk.format == .jsonLines {
                    let numbers = try records.lineNumbers()
                    block.lines = numbers.records
                    lines += numbers.all
                } else {
                    lines += rest.count
                }
            }
            if !rest.isEmpty { elements.places.add(block) }
        }

        private func loaded(_ chunk: RecordChunk) throws -> RecordChunk {
            // As a stream's, of which this is known before there is so much of it.
            if chunk.length > elements.inputs.blockSize + MapInputs.recordSizeLimit {
                throw ElementSizeError(length: chunk.length)
            }
            return try chunk.loaded()
        }

        private mutating func nextChunk() async throws -> RecordChunk? {
            while true {
                if let chunk = try await nextChunkOfInput() {
                    isEmptyRecord = false
                    return chunk
                }
                chunks = nil
                if isEmptyRecord {
                    isEmptyRecord = false
                    return elements.inputs.emptyRecord(of: input)
                }
                guard let next = inputs.popFirst() else { return nil }
                (input, offset, lines) = (next, 0, 0)
                isEmptyRecord = elements.inputs.format == .whole
                switch try elements.inputs.open(next, limitsRecords: !Input.readsChunks) {
                case .file(let pieces): chunks = .pieces(pieces.makeAsyncIterator())
                case .stream(let stream, let closing): chunks = .stream(stream.makeAsyncIterator(), closing)
                }
            }
        }

        private mutating func nextChunkOfInput() async throws -> RecordChunk? {
            switch chunks {
            case .pieces(var iterator):
                let piece = try await iterator.next()
                chunks = .pieces(iterator)
                return piece.map { RecordChunk($0) }
            case .stream(var iterator, let closing):
                let chunk = try await iterator.next()
                chunks = .stream(iterator, closing)
                return chunk
            case nil: return nil
            }
        }
    }
}

/// A file is to be an argument, and is too long.
private struct ElementSizeError: Error, CustomStringConvertible {
    let length: Int
    var description: String {
        "it has \(length) bytes, and 1 GiB is the most that can be sent; functions that take RecordChunk read files by themselves"
    }
}

extension RecordChunk {
    /// On which lines its records are, from 0, and how many lines it has.
    ///
    /// - Returns: no numbers where each line has a record.
    fileprivate func lineNumbers() throws -> (records: [Int32]?, all: Int) {
        try withBytes { bytes in
            var walk = RecordWalk(format)
            var numbers: [Int32] = []
            while walk.next(in: bytes) != nil { numbers.append(Int32(walk.lines - 1)) }
            return (numbers.count == walk.lines ? nil : numbers, walk.lines)
        }
    }
}
