import Futures
import Glibc

// What the workers run.

/// Counts the words of some lines.
let countWords = Callable("count_words") { (chunk: Chunk) throws -> ChunkCount in
    var table = WordTable()
    table.count(try chunk.read())
    return ChunkCount(words: table.packed, size: chunk.size, workerID: getpid())
}.throwing(FileError.self)

/// What this program can ask of its worker processes: both have the same.
let registry = FunctionRegistry { countWords }

/// What a worker found in a chunk.
struct ChunkCount: Codable, Sendable {
    var words: PackedWords
    /// Of the chunk, in bytes.
    var size: Int
    var workerID: Int32
}
