import Futures

/// A finished count.
struct CountedText: Sendable {
    var table = WordTable()
    /// Of the text, in bytes.
    var size = 0
    var time = Duration.zero
    var workers = 0
    /// The peak memory of the worker that needed most, in bytes.
    var largestWorker: Int?

    var speed: String { "\(timeText(time)), \(rateText(size, time))" }
}

/// Counts in worker processes, and merges here what they find.
func countInWorkers(_ chunks: LineChunks, workers: Int?) async throws -> CountedText {
    let start = ContinuousClock.now
    var progress = Progress("counting in worker processes", total: chunks.file.size)
    defer { progress.finish() }
    var counted = try await withProcessPool(registry, maxWorkers: workers) { pool in
        var counted = CountedText(workers: pool.maxWorkers)
        var workerIDs: Set<Int32> = []
        // So many that no worker waits while the results of a slow one are awaited, and so few that memory stays small.
        for try await chunk in try pool.map(countWords, chunks, bufferSize: 4 * pool.maxWorkers) {
            counted.table.merge(chunk.words)
            counted.size += chunk.size
            workerIDs.insert(chunk.workerID)
            progress.advance(by: chunk.size)
        }
        // Now, while they are there.
        counted.largestWorker = workerIDs.compactMap(peakMemory).max()
        return counted
    }
    counted.time = start.duration(to: .now)
    return counted
}

/// Counts in this process, in the same way.
func countSerially(_ chunks: LineChunks) throws -> CountedText {
    let start = ContinuousClock.now
    var progress = Progress("counting serially", total: chunks.file.size)
    defer { progress.finish() }
    var counted = CountedText()
    for chunk in chunks {
        counted.table.count(try chunk.read())
        counted.size += chunk.size
        progress.advance(by: chunk.size)
    }
    counted.time = start.duration(to: .now)
    return counted
}
