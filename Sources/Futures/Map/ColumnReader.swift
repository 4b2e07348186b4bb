/// Reads one of a map's sequences in pieces.
@usableFromInline
final class ColumnReader<Element> {
    /// How many elements the sequence has, where that is known without reading it.
    let count: Int?
    private let nextPiece: (Int) -> [Element]
    private var piece: [Element] = []

    @usableFromInline
    init(count: Int?, nextPiece: @escaping (Int) -> [Element]) {
        self.count = count
        self.nextPiece = nextPiece
    }

    /// Compiled where a map of one sequence is called, where the sequence's type is known. Without it each element costs
    /// looking that up, which takes many times as long as the rest; but elements of an array are copied as a whole.
    @inlinable
    convenience init<Source: Sequence>(_ source: Source) where Source.Element == Element {
        if let elements = source as? [Element] {
            self.init(elements: elements)
            return
        }
        var iterator = source.makeIterator()
        let least = source.underestimatedCount
        // Of other collections to count may take as long as to read.
        self.init(count: (source as? any RandomAccessCollection)?.count) { count in
            var piece: [Element] = []
            piece.reserveCapacity(min(count, max(4096, least)))
            while piece.count < count, let element = iterator.next() { piece.append(element) }
            return piece
        }
    }

    /// A reader of an array.
    @usableFromInline
    convenience init(elements: [Element]) {
        var next = 0
        self.init(count: elements.count) { count in
            let end = next + min(count, elements.count - next)
            defer { next = end }
            return Array(elements[next..<end])
        }
    }

    /// Reads up to `count` elements; returns how many there were.
    func read(_ count: Int) -> Int {
        piece = nextPiece(count)
        return piece.count
    }

    /// Reads up to `count` elements behind what was read; returns how many there were.
    func readOn(_ count: Int) -> Int {
        let next = nextPiece(count)
        piece += next
        return next.count
    }

    /// The first elements of what was read; a sequence beside this one may have ended earlier.
    func elements(_ count: Int) -> [Element] {
        count == piece.count ? piece : Array(piece.prefix(count))
    }
}
