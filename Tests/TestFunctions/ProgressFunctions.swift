import Futures
import Glibc

// Calls that say how far they are.

/// Says what it is at, tells in a file that it runs, and blocks until another is there; without a text it says nothing.
public let reportAndMeet = Callable("report_and_meet") { (folder: String, number: Int, text: String) -> Int in
    if !text.isEmpty {
        RunningCall.reportProgress(fraction: 0.125)
        RunningCall.reportProgress("something else")
        RunningCall.reportProgress(fraction: 0.25, text)
        // Each keeps what it does not name.
        RunningCall.reportProgress(fraction: 0.5)
    }
    close(open("\(folder)/runs \(number)", O_CREAT | O_WRONLY, 0o600))
    while access("\(folder)/go \(number)", F_OK) != 0 { usleep(1_000) }
    return number
}

/// Writes what it likes where reports are, with the numbers of its own call, and goes on as ``reportAndMeet``.
public let scribbleAndMeet = Callable("scribble_and_meet") {
    (folder: String, number: Int, words: [UInt64]) -> Int in
    RunningCall.reportProgress(fraction: 0.25, "an honest beginning")
    guard let journal = journalAddress() else { return -1 }
    for (index, word) in words.enumerated() where word != 1 {
        journal.storeBytes(of: word, toByteOffset: 512 + 8 * index, as: UInt64.self)
    }
    return try reportAndMeet.call(folder, number, "")
}

/// Where this worker's journal is in its memory.
private func journalAddress() -> UnsafeMutableRawPointer? {
    guard let maps = fopen("/proc/self/maps", "r") else { return nil }
    defer { fclose(maps) }
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, 4096, maps) != nil {
        if strstr(line, "futures-journal") != nil { return UnsafeMutableRawPointer(bitPattern: strtoul(line, nil, 16)) }
    }
    return nil
}

/// Reports so often, and tells how long one report took, in nanoseconds.
public let reportOften = Callable("report_often") { (count: Int, text: String) -> Double in
    let start = ContinuousClock.now
    for index in 0..<count { RunningCall.reportProgress(fraction: Double(index) / Double(count), text) }
    return start.duration(to: .now) / .nanoseconds(count)
}

/// The first call with a path ends its worker, or throws ``Refused``; later ones return 1. An empty path does no harm.
public let failOnce = Callable("fail_once") { (path: String, kills: Bool) throws -> Int in
    if path.isEmpty { return 1 }
    let file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
    if file < 0 { return 1 }
    close(file)
    if kills { kill(getpid(), SIGKILL) }
    throw Refused(code: 7)
}.throwing(Refused.self)

let progressFunctions = FunctionRegistry {
    reportAndMeet
    scribbleAndMeet
    reportOften
    failOnce
}
