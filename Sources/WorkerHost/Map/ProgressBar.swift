import Glibc

/// Tells on a terminal how far a run is. Of the main thread.
final class ProgressBar {
    /// To the first column, and erase to the end of the line (ECMA-48).
    private static let clearLine = "\r\u{1B}[K"
    private static let timeBetweenDrawings = Duration.milliseconds(100)

    /// Of the input; nil if a part of it has no size.
    private let total: Int?
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?
    private var done = 0.0
    private var isShown = false

    /// Nil where nobody would see it, or output goes to the same terminal.
    init?(total: @autoclosure () -> Int?) {
        guard isatty(STDERR_FILENO) == 1, isatty(STDOUT_FILENO) != 1 else { return nil }
        if let terminal = getenv("TERM").map({ String(cString: $0) }), terminal == "dumb" { return nil }
        self.total = total()
    }

    /// So many bytes of the input are done.
    func advance(by bytes: Double, failed: Int) {
        done += bytes
        let now = ContinuousClock.now
        if let lastDrawn, lastDrawn.duration(to: now) < Self.timeBetweenDrawings { return }
        lastDrawn = now
        let progress = Progress(done: done, total: total, failed: failed, elapsed: start.duration(to: now))
        // The last column stays free: with a character there some terminals begin a new line.
        complainRaw(Self.clearLine + progress.line(width: Self.width - 1))
        isShown = true
    }

    /// Takes it away: for a message, or at the end.
    func clear() {
        if isShown { complainRaw(Self.clearLine) }
        isShown = false
        lastDrawn = nil
    }

    /// How many columns the terminal has now; its user may have changed that.
    private static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// How far a run is, and in words.
struct Progress {
    var done: Double
    var total: Int?
    var failed: Int
    var elapsed: Duration

    /// No longer than `width` characters.
    func line(width: Int) -> String {
        let seconds = max(elapsed / .seconds(1), 1e-3)
        let rate = done / seconds
        var text = "\(Self.size(done)), \(Self.size(rate))/s"
        if failed > 0 { text += ", \(failed) failed" }
        guard let total, total > 0 else { return String(text.prefix(width)) }
        let share = min(done / Double(total), 1)
        if rate > 0, share < 1 { text += ", \(Self.time((Double(total) - done) / rate)) left" }
        text = "\(Int(share * 100)) %, \(text)"
        let barWidth = min(width - text.count - 3, 40)
        if barWidth >= 8 {
            let filled = Int(share * Double(barWidth))
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
            text = "[\(bar)] \(text)"
        }
        return String(text.prefix(width))
    }

    static func size(_ bytes: Double) -> String {
        var (value, unit) = (bytes, "B")
        for next in ["kB", "MB", "GB", "TB"] where value >= 1000 { (value, unit) = (value / 1000, next) }
        return value >= 100 || unit == "B" ? "\(Int(value)) \(unit)" : "\((value * 10).rounded() / 10) \(unit)"
    }

    static func time(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 359_999))
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
    }
}
