import Futures
import Glibc

/// The page that a run leaves for people (`--report`): what it did, in numbers, plots and a list of what failed.
struct RunReport {
    /// What failed, and where in the input.
    struct Failure {
        let place: String
        let message: String
    }

    /// So many of them are listed.
    static let mostFailures = 200

    /// The command line.
    var command = ""
    var functionName = ""
    /// "record" or "block".
    var element = "record"
    /// Seconds since 1970.
    var began = 0
    /// In nanoseconds.
    var elapsed = 0.0
    var done = 0
    var failed = 0
    /// How many of them came out of a journal.
    var resumed = 0
    /// How often something was run again.
    var retried = 0
    var maxWorkers: Int?
    /// Nil where nothing was to be compressed.
    var compression: CompressionCounts?
    /// How it ended, unless all went well.
    var ending: String?
    var failures: [Failure] = []
    var books = RunRecorder.Books()

    var elements: String { element + "s" }

    /// When it began, by the clock on the wall and in a form that everybody reads.
    var beginning: String {
        var (seconds, parts) = (time_t(began), tm())
        localtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let length = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S %z", &parts)
        return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// How many of the seconds that its workers were there they computed, 0 to 1.
    var utilization: Double? {
        let rows = books.timelines.rows.count
        guard rows > 0, elapsed > 0 else { return nil }
        return min(Double(books.busy) / (Double(rows) * elapsed), 1)
    }
}
