import Futures
import Glibc

import struct Synchronization.Atomic

// Callables that do something to the process in which they run, or look at it.

/// Tells which process it runs in, whatever the element.
public let processOfElement = Callable("process_of_element") { (_: Int) -> Int in Int(getpid()) }
/// Calls itself so many times, each time with a piece of the stack.
public let descend = Callable("descend") { (depth: Int) -> Int in Depth().descend(depth) }
private class Depth {
    /// The local array is used after the call, so that no compiler can make a loop of it.
    func descend(_ depth: Int) -> Int {
        if depth == 0 { return 0 }
        let numbers = [depth, self.descend(depth - 1)]
        return numbers[1] + numbers[0] / depth
    }
}
/// Lets the process have so many bytes of addresses and no more, then asks for twice as many.
public let outgrow = Callable("outgrow") { (limit: Int) -> Int in
    var addresses = rlimit(rlim_cur: UInt(limit), rlim_max: UInt(limit))
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &addresses)
    return [UInt8](repeating: 1, count: 2 * limit).count
}
public let readVariable = Callable("read_variable") { (name: String) -> String? in
    getenv(name).map { String(cString: $0) }
}
public let setVariable = Callable("set_variable") { (name: String, value: String) -> Int in
    Int(setenv(name, value, 1))
}
public let currentFolder = Callable("current_folder") { () -> String in
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard getcwd(&path, path.count) != nil else { return "" }
    return String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
/// Has a line added to a file when the process exits.
public let writeAtExit = Callable("write_at_exit") { (path: String, line: Int) -> Void in
    addAtExit(line, to: path)
}
/// - Parameter time: what the handler takes for it, in microseconds.
private func addAtExit(_ line: Int, to path: String, after time: UInt32 = 0) {
    atExit = (path, line, time)
    atexit {
        guard let (path, line, time) = atExit else { return }
        usleep(time)
        let file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
        let bytes = Array("\(line)\n".utf8)
        _ = write(file, bytes, bytes.count)
        close(file)
    }
}
/// Makes a file "begun" with its number, waits for "go", and has its number added to "exits" when it exits.
public let prepareSlowly = Callable("prepare_slowly") { (folder: String) throws -> Void in
    close(open("\(folder)/begun \(getpid())", O_CREAT | O_WRONLY, 0o600))
    while access("\(folder)/go", F_OK) != 0 { usleep(1_000) }
    addAtExit(Int(getpid()), to: "\(folder)/exits", after: 50_000)
}
/// Starts a program, writes its number into a file "program", and has the process make a file "ending" when it exits, and wait
/// for "go".
public let lingerAtExit = Callable("linger_at_exit") { (folder: String) throws -> Int in
    lingering = folder
    atexit {
        close(open("\(lingering)/ending", O_CREAT | O_WRONLY, 0o600))
        for _ in 0..<60_000 where access("\(lingering)/go", F_OK) != 0 { usleep(1_000) }
    }
    return try runCommand.call("sleep 1000 >/dev/null 2>&1 & echo $! > '\(folder)/program'")
}
/// Handles a signal from now on, and tells how often it has come.
public let handleSignal = Callable("handle_signal") { (number: Int) -> Int in
    // Made before a handler needs it.
    _ = signalsSeen.load(ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in signalsSeen.add(1, ordering: .relaxed) }
    sigaction(Int32(number), &action, nil)
    return signalsSeen.load(ordering: .relaxed)
}
/// Has the process interrupted every so many microseconds; 0 ends it. Tells how often it was so far.
public let interrupt = Callable("interrupt") { (microseconds: Int) -> Int in
    // Made before a handler needs it.
    _ = signalsSeen.load(ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in signalsSeen.add(1, ordering: .relaxed) }
    sigaction(SIGALRM, &action, nil)
    var timer = itimerval()
    timer.it_interval.tv_usec = microseconds
    timer.it_value.tv_usec = microseconds
    setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    return signalsSeen.load(ordering: .relaxed)
}
/// The signals that are blocked, and those that are ignored: as proc(5) has them, bit 0 for signal 1.
public let signalMasks = Callable("signal_masks") { () -> [UInt64] in
    guard let file = fopen("/proc/self/status", "r") else { return [] }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    var masks: [UInt64] = []
    while fgets(&line, 512, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard text.hasPrefix("SigBlk:") || text.hasPrefix("SigIgn:") else { continue }
        masks.append(UInt64(text.dropFirst(7).filter { !$0.isWhitespace }, radix: 16)!)
    }
    return masks
}
/// The process, its group and its session.
public let processGroup = Callable("process_group") { () -> [Int] in [Int(getpid()), Int(getpgrp()), Int(getsid(0))] }
/// Has the process join the group of the one that started it.
public let joinParentsGroup = Callable("join_parents_group") { () -> Int in Int(setpgid(0, getpgid(getppid()))) }
/// Closes descriptors, and tells what `close` said of each.
public let closeDescriptors = Callable("close_descriptors") { (numbers: [Int]) -> [Int] in
    numbers.map { Int(close(Int32($0))) }
}
/// Opens a file for writing, and tells the descriptor's number. The file stays open.
public let keepOpen = Callable("keep_open") { (path: String) -> Int in
    Int(open(path, O_CREAT | O_WRONLY, 0o600))
}
/// How many bytes there are to read on standard input; negative for an error.
public let readInput = Callable("read_input") { () -> Int in
    var bytes = [UInt8](repeating: 0, count: 16)
    return read(STDIN_FILENO, &bytes, bytes.count)
}
/// Runs a shell command, and tells its exit code.
public let runCommand = Callable("run_command") { (command: String) -> Int in
    var pid: pid_t = 0
    let words: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(command), nil]
    defer { for word in words { free(word) } }
    guard posix_spawnp(&pid, "sh", nil, nil, words, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 { guard errno == EINTR else { return -2 } }
    return Int(status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f))
}
/// A thread pool within the process does the work.
public let incrementOnThread = Callable("increment_on_thread") { (n: Int) -> Int in
    let pool = try ThreadPoolExecutor(maxWorkers: 2)
    defer { pool.shutdown() }
    return try pool.submit(increment, n).result(timeout: .seconds(60))
}
/// Process pools within process pools, so many deep: adds one in each.
public let incrementDeep = Callable("increment_deep") { (n: Int, depth: Int) -> Int in
    if depth == 0 { return n }
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    defer { pool.shutdown() }
    return try pool.submit(incrementDeepBelow, n, depth - 1).result(timeout: .seconds(60)) + 1
}
/// ``incrementDeep`` itself: a closure cannot name what it is the value of.
private let incrementDeepBelow = Callable<Int, Int, Int>(external: "increment_deep")
/// A pool within the process runs ``meet``, and this waits for it.
public let meetBelow = Callable("meet_below") { (own: String, other: String) -> Int in
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    defer { pool.shutdown() }
    return try pool.submit(meet, own, other).result(timeout: .seconds(60))
}
/// For initializers: notes the process, and keeps the other arguments for ``notes``.
public let noteStart = Callable("note_start") {
    (path: String, words: [String], number: Int?, shape: Shape) -> Void in
    notesValue = words + ["\(number ?? -1)", "\(shape)"]
    let file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    let bytes = Array("\(getpid())\n".utf8)
    _ = write(file, bytes, bytes.count)
    close(file)
}
public let notes = Callable("notes") { () -> [String] in notesValue }
/// For initializers: works in the first process, is refused in those after it.
public let beFirst = Callable("be_first") { (path: String, code: Int) -> Void in
    let file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
    if file < 0 { throw Refused(code: code) }
    close(file)
}.throwing(Refused.self)

/// Takes so many microseconds for it.
public let incrementSlowly = Callable("increment_slowly") { (n: Int, microseconds: Int) -> Int in
    usleep(UInt32(microseconds))
    return n + 1
}
/// So many bytes.
public let makeBytes = Callable("make_bytes") { (count: Int) -> [UInt8] in [UInt8](repeating: 1, count: count) }
/// Takes so much memory for so many milliseconds, and tells its process.
public let growFor = Callable("grow_for") { (bytes: Int, milliseconds: Int) -> Int in
    let memory = [UInt8](repeating: 1, count: bytes)
    usleep(UInt32(milliseconds) * 1_000)
    return memory.count == bytes ? Int(getpid()) : 0
}
/// Adds a line to a file, takes so much memory, and keeps it until it is killed.
public let growAndWait = Callable("grow_and_wait") { (path: String, bytes: Int) -> Int in
    _ = note(in: path)
    let memory = [UInt8](repeating: 1, count: bytes)
    while memory.count == bytes { usleep(10_000) }
    return 0
}
/// Computes until it is not wanted any more, or so many milliseconds have passed; then returns, or throws.
public let computeUntilCancelled = Callable("compute_until_cancelled") { (milliseconds: Int, throwing: Bool) -> Int in
    let end = ContinuousClock.now + .milliseconds(milliseconds)
    var rounds = 0
    while !RunningCall.isCancelled, ContinuousClock.now < end { rounds += 1 }
    if throwing { try RunningCall.checkCancellation() }
    return RunningCall.isCancelled ? -1 : rounds
}
/// Sleeps until its Swift task is cancelled.
public let sleepUntilCancelled = Callable("sleep_until_cancelled") { (seconds: Int) async throws -> Int in
    try await Task.sleep(for: .seconds(seconds))
    return seconds
}
/// Whether the call is cancelled at its beginning, as ``RunningCall`` and as `Task` say.
public let seesCancellation = Callable("sees_cancellation") { () async -> [Bool] in
    [RunningCall.isCancelled, Task.isCancelled]
}
/// Computes until it is cancelled, and then throws how often it was called with this file.
public let refuseWhenCancelled = Callable("refuse_when_cancelled") { (path: String) throws -> Int in
    let count = note(in: path)
    let end = ContinuousClock.now + .seconds(60)
    while !RunningCall.isCancelled, ContinuousClock.now < end {}
    throw Refused(code: RunningCall.isCancelled ? count : -1)
}.throwing(Refused.self)
/// Sleeps so many milliseconds, and no signal that can be ignored ends it.
public let sleepStubbornly = Callable("sleep_stubbornly") { (milliseconds: Int) -> Int in
    signal(SIGTERM, SIG_IGN)
    usleep(UInt32(milliseconds) * 1_000)
    return milliseconds
}
/// Stops its whole process, as a debugger does.
public let stopProcess = Callable("stop_process") { () -> Int in Int(kill(getpid(), SIGSTOP)) }
/// Adds a line to a file, and tells how many it has then.
@discardableResult
func note(in path: String) -> Int {
    let file = open(path, O_CREAT | O_RDWR | O_APPEND, 0o600)
    defer { close(file) }
    _ = write(file, "x\n", 2)
    return Int(lseek(file, 0, SEEK_END)) / 2
}
/// Ends its process with a signal the first so many times that it is called with this file; then tells how often it was.
public let crashFirst = Callable("crash_first") { (path: String, times: Int, signal: Int) -> Int in
    let count = note(in: path)
    if count <= times { raise(Int32(signal)) }
    return count
}
/// Adds the number as a line to a file; then ends its process, if the number is negative.
public let noteOrCrash = Callable("note_or_crash") { (path: String, number: Int) -> Int in
    takeNote(path, number)
}
/// ``noteOrCrash`` that takes so many microseconds.
public let noteOrCrashSlowly = Callable("note_or_crash_slowly") { (path: String, number: Int, time: Int) -> Int in
    usleep(UInt32(time))
    return takeNote(path, number)
}
private func takeNote(_ path: String, _ number: Int) -> Int {
    let file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    let bytes = Array("\(number)\n".utf8)
    _ = write(file, bytes, bytes.count)
    close(file)
    if number < 0 { raise(SIGKILL) }
    return number
}
/// ``noteOrCrash`` in a microsecond or two: the file stays open.
public let noteOrCrashQuickly = Callable("note_or_crash_quickly") { (path: String, number: Int) -> Int in
    if noteFile.path != path { noteFile = (path, open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)) }
    let bytes = Array("\(number)\n".utf8)
    _ = write(noteFile.descriptor, bytes, bytes.count)
    if number < 0 { raise(SIGKILL) }
    return number
}
nonisolated(unsafe) private var noteFile: (path: String, descriptor: Int32) = ("", -1)
/// Throws the first so many times that it is called with this file; then tells how often it was.
public let throwFirst = Callable("throw_first") { (path: String, times: Int, code: Int) -> Int in
    let count = note(in: path)
    if count <= times { throw Refused(code: code) }
    return count
}.throwing(Refused.self)
/// Does so slowly.
public let throwFirstSlowly = Callable("throw_first_slowly") { (path: String, times: Int, microseconds: Int) -> Int in
    _ = try keepBusy.call(microseconds)
    return try throwFirst.call(path, times, 7)
}.throwing(Refused.self)
/// Throws when it is called with this file for the first time, and computes without end, or ends its process, at the second time.
public let throwThenFail = Callable("throw_then_fail") { (path: String, hangs: Bool) -> Int in
    let count = note(in: path)
    if count == 1 { throw Refused(code: 7) }
    if count == 2, hangs { return try computeUntilCancelled.call(60_000, false) }
    if count == 2 { raise(SIGKILL) }
    return count
}.throwing(Refused.self)

/// A value that ends the process in which something is done to it.
public final class Leaving: Codable, Sendable {
    public enum Moment: String, Codable, Sendable { case encoding, decoding, release, never }
    let moment: Moment
    /// Only the worker's copy leaves at its release: the worker's function says so.
    private let isArmed = Mutex(false)

    public init(_ moment: Moment) { self.moment = moment }

    public init(from decoder: any Decoder) throws {
        moment = try decoder.singleValueContainer().decode(Moment.self)
        if moment == .decoding { exit(21) }
    }

    public func encode(to encoder: any Encoder) throws {
        if moment == .encoding { exit(22) }
        var container = encoder.singleValueContainer()
        try container.encode(moment)
    }

    deinit { if moment == .release, isArmed.withLock({ $0 }) { exit(23) } }

    func arm() { isArmed.withLock { $0 = true } }
}
public let takeLeaving = Callable("take_leaving") { (value: Leaving) -> Int in
    value.arm()
    return 1
}
public let makeLeaving = Callable("make_leaving") { (moment: String) -> Leaving in
    Leaving(Leaving.Moment(rawValue: moment)!)
}

/// Only the worker's one main thread touches these; a handler interrupts whichever thread it does.
nonisolated(unsafe) private var atExit: (path: String, line: Int, time: UInt32)?
nonisolated(unsafe) private var lingering = ""
private let signalsSeen = Atomic<Int>(0)
nonisolated(unsafe) private var notesValue: [String] = []

public let processFunctions = FunctionRegistry {
    processOfElement
    descend
    outgrow
    readVariable
    setVariable
    currentFolder
    writeAtExit
    lingerAtExit
    handleSignal
    interrupt
    signalMasks
    processGroup
    joinParentsGroup
    closeDescriptors
    keepOpen
    readInput
    runCommand
    incrementOnThread
    incrementDeep
    meetBelow
    noteStart
    notes
    beFirst
    incrementSlowly
    makeBytes
    growFor
    growAndWait
    computeUntilCancelled
    refuseWhenCancelled
    sleepUntilCancelled
    seesCancellation
    sleepStubbornly
    stopProcess
    crashFirst
    noteOrCrash
    noteOrCrashSlowly
    noteOrCrashQuickly
    throwFirst
    throwFirstSlowly
    throwThenFail
    takeLeaving
    makeLeaving
}
