import Futures
import Glibc

/// A command of the shell that answers each line with one: started once in a worker, and asked block by block.
///
/// It has to write each answer out at once: what it keeps for later is waited for. It learns that there are no more lines when its
/// standard input ends, which it does with the worker.
enum LineProgram {
    /// The one that runs in this worker, between two blocks.
    private static let running = Mutex<ShellProcess?>(nil)

    /// Has it answer the records of a block.
    ///
    /// - Parameter end: what is behind each line and each answer.
    /// - Throws: ``ShellCommandError`` if it cannot be started, ends, or writes too much; the next block has a new one then.
    static func answers(of command: String, to chunk: RecordChunk, endingWith end: UInt8) throws -> [UInt8] {
        let (lines, count) = try lines(of: chunk, endingWith: end)
        guard count > 0 else { return [] }
        let last = running.withLock { $0.take() }
        // One that has ended meanwhile, or has said something that nobody asked for, is of no use.
        let isUsable = last.map { $0.command == command && $0.isSilent } ?? false
        let process = try isUsable ? last! : ShellProcess(command)
        var output: [UInt8] = []
        var answers = 0
        try lines.withUnsafeBytes { lines in
            var rest = lines
            while process.isWriting, !rest.isEmpty || answers < count {
                let seen = output.count
                try process.exchange(&rest, &output)
                answers += output[seen...].count { $0 == end }
            }
        }
        guard answers >= count else {
            process.closeInput()
            throw ShellCommandError(command: command, status: process.end(), answers: answers, of: count)
        }
        guard answers == count, output.last == end else {
            throw ShellCommandError(command: command, tooManyAnswersTo: count)
        }
        running.withLock { $0 = process }
        return output
    }

    private static func lines(of chunk: RecordChunk, endingWith end: UInt8) throws -> (bytes: [UInt8], count: Int) {
        try chunk.withBytes { bytes in
            var walk = RecordWalk(chunk.format)
            var lines: [UInt8] = []
            var count = 0
            lines.reserveCapacity(bytes.count + 1)
            while let record = walk.next(in: bytes) {
                lines += record
                if record.last != end { lines.append(end) }
                count += 1
            }
            return (lines, count)
        }
    }
}
