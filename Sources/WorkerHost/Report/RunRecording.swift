import Futures
import Glibc

/// The report and the trace of a run, if it is to leave one: opened before it begins, written when it has ended, however it did.
/// Of the main thread.
final class RunRecording {
    private var page: WrittenFile?
    private var report = RunReport()
    private var progress: MapProgressUpdates?
    /// Nil where it does not compress.
    private var pool: ProcessPoolExecutor?
    /// Nil where nothing is to be written.
    private(set) var recorder: RunRecorder?

    /// - Throws: when one of the files cannot be made.
    func open(report reportPath: FileName?, trace tracePath: FileName?) throws(OutputError) {
        guard reportPath != nil || tracePath != nil else { return }
        if let reportPath { page = try WrittenFile(path: reportPath) }
        var trace: TraceFile?
        if let tracePath { trace = try TraceFile(path: tracePath) }
        recorder = RunRecorder(trace: trace, now: Self.now)
        report.began = time(nil)
        report.command = CommandLine.arguments.map(Self.quoted).joined(separator: " ")
    }

    func began(_ function: MapFunction, on pool: ProcessPoolExecutor, isCompressing: Bool) {
        report.functionName = function.name
        report.element = function.input.kind == .record ? "record" : "block"
        report.maxWorkers = pool.maxWorkers
        if isCompressing { self.pool = pool }
    }

    /// The map begins.
    func watch(_ progress: @autoclosure () -> MapProgressUpdates) {
        if recorder != nil { self.progress = progress() }
    }

    func succeeded() { report.done += 1 }

    func failed(_ place: Place, _ error: any Error) {
        report.failed += 1
        guard recorder != nil, report.failures.count < RunReport.mostFailures else { return }
        report.failures.append(RunReport.Failure(place: place.description, message: described(error)))
    }

    /// - Parameter ending: how it ended, unless all went well.
    /// - Throws: when a file cannot be written; the other one is, all the same.
    func finish(_ ending: String?) throws(OutputError) {
        guard let recorder else { return }
        self.recorder = nil
        report.ending = ending
        report.elapsed = recorder.elapsed / .nanoseconds(1)
        report.books = recorder.result
        report.compression = pool?.compressionCounts
        if let progress = progress?.current { (report.resumed, report.retried) = (progress.resumed, progress.retried) }
        var failure: OutputError?
        do { try recorder.finishTrace() } catch { failure = error }
        do {
            try page?.write(Array(report.html.utf8), at: 0)
            try page?.finish()
        } catch { failure = error }
        if let failure { throw failure }
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// As one would type it into a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_./:=,+@%".utf8.contains(byte)
        }
        if isPlain, !word.isEmpty { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
