import Futures

/// Some whole records of the input that were read together, and the elements of the map that they became.
struct InputBlock: Sendable {
    let input: MapInput
    /// Its beginning in the input, in bytes.
    let offset: Int
    /// In bytes.
    let length: Int
    let format: RecordFormat
    /// How many elements it became.
    let count: Int
    /// The line, or record, of the first one, from 1; nil if the block is the element.
    let firstLine: Int?
    /// How many lines behind that each is, if there are other lines between them.
    var lines: [Int32]?
    /// Its records, where they may be wanted again.
    var records: RecordChunk?
}

/// Where an element is in the input.
struct Place {
    let block: InputBlock
    /// Which of the block's elements it is.
    let index: Int
    /// Which of the map's elements the block's first one is: no other block has the same.
    let blockNumber: Int

    /// In bytes; of a block with several elements, their share.
    var length: Double { Double(block.length) / Double(block.count) }

    var description: String {
        let input = block.input.shown
        if block.format == .whole { return input }
        guard let firstLine = block.firstLine else { return "\(input), block at byte \(block.offset)" }
        let line = firstLine + (block.lines.map { Int($0[index]) } ?? index)
        return [.lines, .jsonLines].contains(block.format) ? "\(input):\(line)" : "\(input), record \(line)"
    }
}

/// Where the elements that are on their way are in the input: block by block, since they may be many and tiny.
final class PlaceBook: Sendable {
    private struct Entry {
        /// The first of its elements, as the map counts them.
        let first: Int
        var block: InputBlock
        /// How many of its elements are on their way.
        var left: Int
    }

    private struct State {
        /// Ascending; those before `begin` are of no use any more.
        var entries: [Entry] = []
        var begin = 0
        /// How many elements there were.
        var count = 0

        mutating func take(_ element: Int) -> Place? {
            guard element < count, let index = index(of: element) else { return nil }
            let place = Place(
                block: entries[index].block, index: element - entries[index].first, blockNumber: entries[index].first)
            entries[index].left -= 1
            // One before it may be on its way for long.
            if entries[index].left == 0 { (entries[index].block.records, entries[index].block.lines) = (nil, nil) }
            while begin < entries.count, entries[begin].left == 0 { begin += 1 }
            // Now and then, so that each is moved once or so.
            if begin > entries.count / 2 {
                entries.removeFirst(begin)
                begin = 0
            }
            return place
        }

        /// Of the entry that an element is in.
        private func index(of element: Int) -> Int? {
            var (low, high) = (begin, entries.count)
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].first > element { high = middle } else { low = middle + 1 }
            }
            return low > begin ? low - 1 : nil
        }
    }

    private let state = Mutex(State())

    /// Blocks come in order, before their elements.
    func add(_ block: InputBlock) {
        state.withLock { state in
            state.entries.append(Entry(first: state.count, block: block, left: block.count))
            state.count += block.count
        }
    }

    /// The place of an element that was not asked for before; nil for one that is in no block.
    func take(_ element: Int) -> Place? { state.withLock { $0.take(element) } }

    /// How many blocks it keeps.
    var blockCount: Int { state.withLock { $0.entries.count } }
}
