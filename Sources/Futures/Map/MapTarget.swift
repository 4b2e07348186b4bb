internal import CProto

/// Where the elements of a map go: an executor and a function of its, and how to submit them there.
struct MapTarget<Output: Sendable, each Input: Sendable> {
    /// Submits the elements of one chunk, a column for each argument; with true, as part of what was promised.
    var submit: (Bool, repeat [each Input]) throws -> [MapPart]
    /// Promises to submit more: the executor's shutdown waits for it until the promise is dropped. Nil where maps are
    /// submitted at the call in any case.
    var promise: (() throws -> PoolDriver.Promise)?
    /// Whether a chunk travels as one message. Otherwise each element is a call of its own, and chunk sizes mean nothing.
    let takesChunks: Bool
    /// Whether parts say how many bytes their arguments have.
    let countsBytes: Bool
    let workers: Int
    private let resultType: MapResultType
    /// Looks what the executor's workers are at; nil where there are none.
    var look: (@Sendable () -> [WorkerSight])?
    /// How many elements the next chunk has to have instead of so many; nil where nothing is prescribed.
    var prescribedSize: ((Int) -> Int)?

    init(
        submit: @escaping (Bool, repeat [each Input]) throws -> [MapPart],
        promise: (() throws -> PoolDriver.Promise)? = nil, takesChunks: Bool, countsBytes: Bool? = nil, workers: Int,
        look: (@Sendable () -> [WorkerSight])? = nil, resultType: MapResultType = MapResultTypeOf<Output>()
    ) {
        self.submit = submit
        self.promise = promise
        self.takesChunks = takesChunks
        self.countsBytes = countsBytes ?? takesChunks
        self.workers = workers
        self.look = look
        self.resultType = resultType
    }

    /// Reads the sequences as far ahead of the consumer as `bufferSize` says.
    ///
    /// Without one, reads them, and submits everything, at the call; with an automatic chunk size only reads everything, and
    /// submits as workers get on.
    func map(
        _ column: repeat ColumnReader<each Input>, order: MapOrder, chunkSize: some ChunkSize,
        bufferSize: (any BufferSize)?, timeout: Duration?
    ) throws -> MapResults<Output> {
        MapResults(
            cursor: try cursor(
                repeat each column, order: order, chunkSize: chunkSize, bufferSize: bufferSize, timeout: timeout))
    }

    /// ``map(_:order:chunkSize:bufferSize:timeout:)``, without the type of the results.
    func cursor(
        _ column: repeat ColumnReader<each Input>, order: MapOrder, chunkSize: some ChunkSize,
        bufferSize: (any BufferSize)?, timeout: Duration?
    ) throws -> MapCursor {
        let deadline = Deadline(after: timeout)
        let window = try window(chunkSize, bufferSize)
        // The shortest counts; of no sequence that means nothing.
        var total: Int? = .max
        for column in repeat each column {
            if let known = total, let count = column.count { total = min(known, count) } else { total = nil }
        }
        let buffer = MapBuffer(
            of: resultType, order: order, window: window, source: source(total: total))
        if window.readsAhead {
            let count = readAll(repeat each column)
            // Of nothing there is nothing to promise.
            let (promise, submit) = (count > 0 ? try promise?() : nil, submit)
            let input = MapInput(
                repeat ColumnReader(elements: (each column).elements(count)), remaining: count,
                prescribedSize: prescribedSize
            ) { (column: repeat [each Input]) in
                // It lasts as long as the input.
                try withExtendedLifetime(promise) { try submit(true, repeat each column) }
            }
            try buffer.begin(input)
        } else {
            try buffer.begin(MapInput(repeat each column, prescribedSize: prescribedSize, submit: submitNow))
        }
        return MapCursor(buffer, timeout: timeout, deadline: deadline)
    }

    /// Reads the sequences to the end of the shortest, beside which others may have none; gives the number of elements.
    private func readAll(_ column: repeat ColumnReader<each Input>) -> Int {
        var (columns, known) = (0, Int.max)
        for column in repeat each column {
            columns += 1
            known = min(known, column.count ?? .max)
        }
        if columns == 0 { return 0 }
        if columns == 1 || known < .max {
            for column in repeat each column { known = column.read(known) }
            return known
        }
        var count = 0
        while true {
            let wanted = max(4096, count)
            var least = wanted
            for column in repeat each column { least = column.readOn(least) }
            count += least
            if least < wanted { return count }
        }
    }

    /// Reads asynchronous sequences in a task, as far ahead of the consumer as `bufferSize` says.
    func map<each Source: AsyncSequence>(
        asynchronous sequence: repeat sending each Source, order: MapOrder, chunkSize: some ChunkSize,
        bufferSize: some BufferSize, timeout: Duration?
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        MapResults(
            cursor: try cursor(
                asynchronous: repeat each sequence, order: order, chunkSize: chunkSize, bufferSize: bufferSize,
                timeout: timeout))
    }

    /// The same, without the type of the results.
    func cursor<each Source: AsyncSequence>(
        asynchronous sequence: repeat sending each Source, order: MapOrder, chunkSize: some ChunkSize,
        bufferSize: some BufferSize, timeout: Duration?
    ) throws -> MapCursor where repeat (each Source).Element == each Input {
        let deadline = Deadline(after: timeout)
        let buffer = MapBuffer(
            of: resultType, order: order, window: try window(chunkSize, bufferSize),
            source: source(total: nil))
        buffer.begin(AsyncMapInput(repeat each sequence, prescribedSize: prescribedSize, submit: submitNow))
        return MapCursor(buffer, timeout: timeout, deadline: deadline)
    }

    private func source(total: Int?) -> MapProgressSource {
        MapProgressSource(
            start: futures_monotonic_nanoseconds(), total: total == .max ? nil : total, look: look)
    }

    private var submitNow: (repeat [each Input]) throws -> [MapPart] {
        { [submit] (column: repeat [each Input]) in try submit(false, repeat each column) }
    }

    private func window(
        _ chunkSize: some ChunkSize, _ bufferSize: (any BufferSize)?
    ) throws(InvalidArgumentError) -> MapWindow {
        if let count = chunkSize.elementCount { try InvalidArgumentError.check("chunkSize", count) }
        var (elements, bytes) = (bufferSize?.elementLimit, bufferSize?.byteLimit)
        if let elements { try InvalidArgumentError.check("bufferSize", elements) }
        if let bytes { try InvalidArgumentError.check("bufferSize.bytes", bytes) }
        if bytes != nil, !countsBytes {
            // Nothing is encoded.
            bytes = nil
            elements = min(elements ?? .max, max(64, min(workers, 1 << 20) * 4))
        }
        let sizer = ChunkSizer(
            takesChunks ? chunkSize.elementCount : 1, workers: workers, bufferSize: elements ?? .max)
        return MapWindow(
            sizer, elementLimit: elements, byteLimit: bytes,
            keepsArguments: (bufferSize as? MemoryBufferSize)?.keepsArguments ?? false,
            readsAhead: sizer.isAutomatic && bufferSize == nil)
    }
}

/// One of the package's executors, as maps see it.
protocol MappingExecutor: Executor {
    /// Where the elements of a map of `callable` go.
    ///
    /// - Throws: ``CallableError`` if the executor does not know the function.
    func mapTarget<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ options: CallOptions
    ) throws -> MapTarget<Output, repeat each Input>
}

extension Executor {
    /// Where the elements of a map of `callable` go; for an executor of somebody else's, each to a call of its own.
    func mapTarget<Output, each Input>(
        for callable: Callable<Output, repeat each Input>, _ options: CallOptions
    ) throws -> MapTarget<Output, repeat each Input> {
        if let executor = self as? any MappingExecutor { return try executor.mapTarget(callable, options) }
        return MapTarget(
            submit: { (_: Bool, column: repeat [each Input]) in
                try self.submitElements(repeat each column) { (argument: repeat each Input) in
                    try self.submit(callable, repeat each argument, options: options)
                }
            }, takesChunks: false, workers: 1)
    }

    /// Submits each element of a chunk as a call of its own.
    func submitElements<Output, each Input>(
        _ column: repeat [each Input], submit: (repeat each Input) throws -> Future<Output>
    ) throws -> [MapPart] {
        var count = 0
        for elements in repeat each column { count = elements.count }
        var parts: [MapPart] = []
        do {
            for index in 0..<count { parts.append(MapPart(element: try submit(repeat (each column)[index]))) }
        } catch {
            // Not by a key path: within these parameter packs Swift 6.3.1 cannot demangle its type, and traps.
            AnyFuture.cancelAll(parts.map { $0.future })
            throw error
        }
        return parts
    }
}
