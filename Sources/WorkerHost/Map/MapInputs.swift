import Futures
import Glibc

/// Input cannot be read.
struct InputError: Error, CustomStringConvertible {
    let name: String
    let cause: any Error
    var description: String { "\(name) cannot be read: \(cause)" }
}

/// Files and standard input, one after the other, in blocks of whole records.
struct MapInputs: Sendable {
    /// Paths; "-" for standard input.
    let names: [String]
    let format: RecordFormat
    let blockSize: Int

    /// One of them, opened if it is no regular file.
    enum Opened {
        case file(FilePieces)
        case stream(RecordStream, Closing?)
    }

    /// Closes a descriptor.
    final class Closing: Sendable {
        private let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// How messages call an input.
    static func shown(_ name: String) -> String { name == "-" ? "standard input" : name }

    /// How long they are together; nil if that is not known.
    var totalSize: Int? {
        var total = 0
        for name in names {
            var status = stat()
            guard (name == "-" ? fstat(STDIN_FILENO, &status) : stat(name, &status)) == 0,
                status.st_mode & S_IFMT == S_IFREG, status.st_size > 0
            else { return nil }
            total += Int(status.st_size)
        }
        return total
    }

    /// What cannot work is told before anything runs.
    ///
    /// - Throws: ``InputError``.
    func check() throws(InputError) {
        for name in names where name != "-" {
            if access(name, R_OK) != 0 { throw InputError(name: name, cause: SystemReason(errno)) }
            var status = stat()
            if stat(name, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                throw InputError(name: name, cause: SystemReason(EISDIR))
            }
        }
    }

    func open(_ name: String) throws -> Opened {
        if name == "-" { return try standardInput() }
        var status = stat()
        // Files of /proc are regular, and say that they are empty; those of /sys cannot be mapped, and /dev/stdin means another
        // file in a worker.
        let isSpecial = ["/dev/", "/proc/", "/sys/"].contains { name.hasPrefix($0) }
        if !isSpecial, stat(name, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 {
            return .file(try FilePieces(of: name, by: format, size: blockSize))
        }
        let descriptor = Glibc.open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemReason(errno) }
        return .stream(try RecordStream(reading: descriptor, by: format, size: blockSize), Closing(descriptor))
    }

    private func standardInput() throws -> Opened {
        .stream(try RecordStream(reading: STDIN_FILENO, by: format, size: blockSize), nil)
    }
}

/// An error number in words.
struct SystemReason: Error, CustomStringConvertible {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    var description: String { String(cString: strerror(number)) }
}

/// Where an element is in the input.
struct Place: Sendable {
    let input: String
    /// The number of its line or record, from 1; nil for a block.
    var record: Int?
    /// The block's beginning, in bytes.
    let offset: Int
    /// Its length; of a block with several elements, their share.
    let length: Double
    let format: RecordFormat

    var description: String {
        guard let record else { return "\(MapInputs.shown(input)), block at byte \(offset)" }
        return format == .lines ? "\(MapInputs.shown(input)):\(record)" : "\(MapInputs.shown(input)), record \(record)"
    }
}

/// Where the elements that are on their way are in the input, and what they are, if that is wanted.
final class PlaceBook<Input: ShellInput>: Sendable {
    private let places = Mutex<(next: Int, on: [Int: (Place, Input?)])>((0, [:]))
    private let keepsElements: Bool

    init(keepsElements: Bool) { self.keepsElements = keepsElements }

    /// Elements come in order.
    func add(_ place: Place, _ element: Input) {
        places.withLock { places in
            places.on[places.next] = (place, keepsElements ? element : nil)
            places.next += 1
        }
    }

    func take(_ index: Int) -> (place: Place, element: Input?)? {
        places.withLock { $0.on.removeValue(forKey: index) }
    }
}

/// The elements of all inputs, for a map.
struct MapElements<Input: ShellInput>: AsyncSequence, Sendable {
    typealias Element = Input

    let inputs: MapInputs
    let places: PlaceBook<Input>

    func makeAsyncIterator() -> Iterator { Iterator(self) }

    struct Iterator: AsyncIteratorProtocol {
        private enum Chunks {
            case pieces(FilePieces.Iterator)
            case stream(RecordStream.Iterator, MapInputs.Closing?)
        }

        private let elements: MapElements
        private var names: ArraySlice<String>
        private var name = ""
        private var chunks: Chunks?
        private var offset = 0
        private var record = 0
        private var blockOffset = 0
        private var share = 0.0
        /// Of the last chunk, the last one first.
        private var rest: [Input] = []

        init(_ elements: MapElements) {
            self.elements = elements
            names = elements.inputs.names[...]
        }

        mutating func next() async throws -> Input? {
            while rest.isEmpty {
                do {
                    guard let chunk = try await nextChunk() else { return nil }
                    rest = try Input.elements(of: chunk).reversed()
                    blockOffset = offset
                    share = Double(chunk.length) / Double(Swift.max(1, rest.count))
                    offset += chunk.length
                } catch {
                    throw InputError(name: MapInputs.shown(name), cause: error)
                }
            }
            let element = rest.removeLast()
            record += 1
            elements.places.add(
                Place(
                    input: name, record: Input.kind == .record ? record : nil, offset: blockOffset, length: share,
                    format: elements.inputs.format), element)
            return element
        }

        private mutating func nextChunk() async throws -> RecordChunk? {
            while true {
                switch chunks {
                case .pieces(var iterator):
                    let piece = try await iterator.next()
                    chunks = .pieces(iterator)
                    if let piece { return RecordChunk(piece) }
                case .stream(var iterator, let closing):
                    let chunk = try await iterator.next()
                    chunks = .stream(iterator, closing)
                    if let chunk { return chunk }
                case nil: break
                }
                chunks = nil
                guard let next = names.popFirst() else { return nil }
                (name, offset, record) = (next, 0, 0)
                switch try elements.inputs.open(next) {
                case .file(let pieces): chunks = .pieces(pieces.makeAsyncIterator())
                case .stream(let stream, let closing): chunks = .stream(stream.makeAsyncIterator(), closing)
                }
            }
        }
    }
}
