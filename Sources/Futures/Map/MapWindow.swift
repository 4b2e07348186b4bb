/// How far a map is ahead of its consumer, and how far it may be. A plain value: what happens to parts comes in, whether there is
/// room goes out.
struct MapWindow: Sendable {
    /// What a part costs beside its bytes: its future and what the pool keeps of a waiting call.
    static let bytesForPart = 400

    private(set) var sizer: ChunkSizer
    /// The most elements ahead; `Int.max` for all.
    let elementLimit: Int
    let byteLimit: Int?
    /// Whether arguments count until their results are handed out, and not only until those are there.
    let keepsArguments: Bool
    /// Whether the input is at hand and is read on whenever a part is done, also without a consumer.
    let readsAhead: Bool

    /// Elements that were submitted and not handed out, and the parts that they are in.
    private(set) var ahead = 0
    private var parts = 0
    /// Parts that are not done, and their elements and encoded arguments; unless ``isTold``, those whose turn has not come.
    private(set) var unfinished = 0
    private var unfinishedElements = 0
    private var argumentBytes = 0
    /// Of results that were not handed out.
    private var resultBytes = 0
    /// Averages for an element.
    private var argumentSize = 0.0
    private var resultSize: Double?

    init(
        _ sizer: ChunkSizer, elementLimit: Int?, byteLimit: Int? = nil, keepsArguments: Bool = false,
        readsAhead: Bool = false
    ) {
        self.sizer = sizer
        self.elementLimit = elementLimit ?? .max
        self.byteLimit = byteLimit
        self.keepsArguments = keepsArguments
        self.readsAhead = readsAhead
    }

    /// Whether it has to be told when a part is done, and not only when its turn comes.
    var isTold: Bool { readsAhead || byteLimit != nil }

    /// Whether the input is to be read on, which it always is if nothing is ahead.
    var hasRoom: Bool {
        if readsAhead { return unfinished < sizer.chunksAhead }
        // A buffer full of the small chunks of the beginning would take as long as most of the map.
        if unfinished >= sizer.chunksAhead, sizer.isGrowing { return false }
        if elementLimit < .max, elementLimit - ahead < sizer.next(remaining: nil) { return false }
        guard let byteLimit, ahead > 0 else { return true }
        guard let resultSize else { return unfinished < sizer.chunksAhead && bytes(with: 0) < byteLimit }
        return bytes(with: resultSize) <= byteLimit
    }

    /// How many bytes there would be after one more chunk.
    private func bytes(with resultSize: Double) -> Int {
        let next = sizer.next(remaining: nil)
        let expected = resultSize * Double(unfinishedElements + next) + argumentSize * Double(next)
        return argumentBytes + resultBytes + (parts + 1) * Self.bytesForPart + Int(clamping: expected)
    }

    /// Parts go to workers.
    mutating func submitted(elements: Int, bytes: Int) {
        ahead += elements
        parts += 1
        unfinished += 1
        unfinishedElements += elements
        argumentBytes += bytes
        Self.average(&argumentSize, bytes, elements)
    }

    /// A part is done, with results of so many bytes, after so many nanoseconds in a worker, where that was measured.
    mutating func finished(elements: Int, argumentBytes: Int, _ measured: PartMeasurement?) {
        unfinished -= 1
        unfinishedElements -= elements
        if !keepsArguments { self.argumentBytes -= argumentBytes }
        guard let measured else { return }
        if let time = measured.runTime { sizer.measured(elements: elements, time: time) }
        guard let byteLimit else { return }
        resultBytes += measured.resultBytes
        var size = resultSize ?? Double(measured.resultBytes) / Double(max(1, elements))
        Self.average(&size, measured.resultBytes, elements)
        resultSize = size
        sizer.limit(bytesPerElement: size + argumentSize, of: byteLimit)
    }

    /// Results were handed out.
    mutating func handedOut(elements: Int) { ahead -= elements }

    /// Of a part the last one was.
    mutating func handedOut(argumentBytes: Int, _ measured: PartMeasurement?) {
        parts -= 1
        if keepsArguments { self.argumentBytes -= argumentBytes }
        if byteLimit != nil { resultBytes -= measured?.resultBytes ?? 0 }
    }

    private static func average(_ size: inout Double, _ bytes: Int, _ elements: Int) {
        size += (Double(bytes) / Double(max(1, elements)) - size) / 4
    }
}

/// What is known about a part that is done.
struct PartMeasurement: Sendable {
    /// How long a worker took for it, in nanoseconds; nil where that was not measured.
    var runTime: Int64?
    /// How many bytes its results had on their way.
    var resultBytes = 0
}

extension Int {
    /// The nearest whole number that there is.
    fileprivate init(clamping value: Double) { self = value < 0x1p62 ? Int(value) : 1 << 62 }
}
