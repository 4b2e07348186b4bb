import Futures
import Glibc
import TestFunctions

// Surroundings that the program makes itself, and what it still can do in them.
extension Surroundings {
    private func withPool(_ body: (ProcessPoolExecutor) throws -> Void) throws {
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
        try body(pool)
        pool.shutdown()
    }

    /// Variables that are no text, then none at all.
    func haveStrangeEnvironment() throws {
        func say(_ name: String, in pool: ProcessPoolExecutor) throws {
            self.say("\(try pool.submit(variableBytes, name).result(timeout: .seconds(30)) ?? [])")
        }
        let value: [CChar] = [-1, 65, -61, 0]
        setenv("STRANGE", value, 1)
        setenv("PLAIN", "B", 1)
        try withPool { pool in
            try say("STRANGE", in: pool)
            try say("PLAIN", in: pool)
        }
        clearenv()
        try withPool { try say("PLAIN", in: $0) }
    }

    /// As a program does that a pool has started, before it says that it is a worker.
    func askForOwnFunctions() {
        setenv("FUTURES_WORKER", "1:3,4", 1)
        do {
            say("\(try WorkerCommand.thisExecutable.functions(timeout: .seconds(20)).count) functions")
        } catch {
            say("\(error)")
        }
    }

    /// Takes what a worker has written when that is gone.
    func readStandardErrorLate() throws {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        dup2(ends[1], STDERR_FILENO)
        var count = 0
        let bytes = [UInt8](repeating: UInt8(ascii: "."), count: 4_096)
        for _ in 0..<16 { count += write(ends[1], bytes, bytes.count) }
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
        let worker = pid_t(try pool.submit(processID).result(timeout: .seconds(30)))
        let written = try pool.submit(writeLetters, UInt8(ascii: "x"), 50_000).result(timeout: .seconds(30))
        count += written
        pool.shutdown(wait: false)
        while kill(worker, 0) == 0 { usleep(1_000) }
        // Somebody who is busy with other things.
        usleep(100_000)
        alarm(20)
        var letters = 0
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while count > 0 {
            let piece = read(ends[0], &buffer, buffer.count)
            letters += buffer[..<piece].count { $0 == UInt8(ascii: "x") }
            count -= piece
        }
        pool.shutdown()
        say("\(letters) of \(written)")
    }

    /// With a journal whose file could have got the number of standard error, where workers write.
    func keepJournal() throws {
        close(STDERR_FILENO)
        for mode in [MapJournal.Mode.new, .resume] {
            let journal = try MapJournal(at: "\(folder)/journal", mode: mode)
            try withPool { pool in
                let words = Array(repeating: "words", count: 20)
                let results = try pool.journaled(in: journal).map(printBoth, words, chunkSize: 1)
                let progress = results.progress()
                say("\(try results.collect().reduce(0, +)) bytes, \(progress.current.resumed) from before")
            }
        }
    }
}
