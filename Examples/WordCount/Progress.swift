import Glibc

/// Tells how far a count is, on standard error: a terminal gets a bar that moves, a file or pipe a line at each quarter.
struct Progress {
    private let what: String
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?
    private var done = 0

    private static let timeBetweenDrawings = Duration.milliseconds(50)

    /// - Parameter total: how many bytes there are, at least 1.
    init(_ what: String, total: Int) {
        self.what = what
        self.total = total
        if isTerminal { clearWhenInterrupted() }
    }

    mutating func advance(by bytes: Int) {
        let before = done
        done += bytes
        guard isTerminal else {
            if done * 4 / total > before * 4 / total, done < total {
                complain("\(what): \(done * 4 / total * 25) % of \(sizeText(total)), \(rate)")
            }
            return
        }
        let now = ContinuousClock.now
        if let lastDrawn, lastDrawn.duration(to: now) < Progress.timeBetweenDrawings { return }
        lastDrawn = now
        draw()
    }

    /// Takes the bar away.
    func finish() {
        if isTerminal { writeToStandardError(clearLine.description) }
    }

    private var rate: String { rateText(done, start.duration(to: .now)) }

    private func draw() {
        // The last column stays free: with a character there some terminals begin a new line.
        let width = terminalWidth() - 1
        let share = min(Double(done) / Double(total), 1)
        var line = "\(Int(share * 100)) %, \(rate)"
        let barWidth = width - what.count - line.count - 4
        if barWidth >= 8 {
            let filled = Int(share * Double(barWidth))
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
            line = "\(what) [\(bar)] \(line)"
        }
        writeToStandardError("\(clearLine)\(line.prefix(width))")
    }
}

/// To the first column, and erase to the end of the line (ECMA-48).
private let clearLine: StaticString = "\r\u{1B}[K"

/// A program that is ended by Ctrl-C does not leave half a bar behind.
private func clearWhenInterrupted() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
        // A program in the background of a script is to go on: it was started with the signal ignored.
        var before = sigaction()
        sigaction(number, nil, &before)
        if unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
            continue
        }
        signal(number) { number in
            // Only what signal-safety(7) allows: no object is made here, and no global is used that might be made now.
            let clear: StaticString = "\r\u{1B}[K"
            _ = write(STDERR_FILENO, clear.utf8Start, clear.utf8CodeUnitCount)
            // Ends as without this handler, so that a shell sees that the program was interrupted.
            signal(number, SIG_DFL)
            raise(number)
        }
    }
}

/// How many columns the terminal has now; its user may have changed that since the last time.
private func terminalWidth() -> Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
}
