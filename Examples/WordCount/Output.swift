import Glibc

/// Something is wrong with the program's input or output.
struct WordCountError: Error, CustomStringConvertible {
    var description: String
}

/// Writes to standard output. `print` would not tell that a disk is full.
func say(_ text: String) throws {
    do {
        try write(text + "\n", to: STDOUT_FILENO)
    } catch {
        if error.number == EPIPE {
            // Whoever reads has seen enough, as `head` has. A pool ignores the signal; other programs end by it.
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        throw WordCountError(description: "the result cannot be written: \(String(cString: strerror(error.number)))")
    }
}

/// Tells the user something that is not the result.
func complain(_ text: String) { writeToStandardError("WordCount: \(text)\n") }

func writeToStandardError(_ text: String) {
    // Nobody is left to be told of a failure.
    try? write(text, to: STDERR_FILENO)
}

private struct WriteError: Error { var number: Int32 }

private func write(_ text: String, to descriptor: Int32) throws(WriteError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw WriteError(number: errno) }
        bytes.removeFirst(count)
    }
}

/// A number of bytes as people read it.
func sizeText(_ bytes: Int) -> String {
    bytes < 1_000_000 ? "\(bytes) bytes" : "\((Double(bytes) / 1e5).rounded() / 10) MB"
}

func timeText(_ time: Duration) -> String {
    time < .seconds(1) ? "\(Int((time / .milliseconds(1)).rounded())) ms" : "\(hundredths(time / .seconds(1))) s"
}

func rateText(_ bytes: Int, _ time: Duration) -> String {
    "\(Int(Double(bytes) / 1e6 / max(time / .seconds(1), 1e-6))) MB/s"
}

func hundredths(_ value: Double) -> Double { (value * 100).rounded() / 100 }

/// A word as a line of a table shows it: without what would move a terminal's cursor, and not too long.
func shown(_ word: String) -> String {
    let limit = 60
    let scalars = word.unicodeScalars.prefix(limit + 1).map { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: Unicode.Scalar(0xfffd)!
        default: scalar
        }
    }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars.prefix(limit))
    return String(text) + (scalars.count > limit ? "…" : "")
}
