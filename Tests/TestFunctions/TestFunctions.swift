import Futures
import Glibc

// What the tests run in workers.

/// An error that travels as itself.
public struct Refused: Error, Codable, Equatable {
    /// What ``refuse`` was called with.
    public var code: Int
    /// The error for a code.
    public init(code: Int) { self.code = code }
}

/// An error that cannot travel.
public struct Private: Error, CustomStringConvertible {
    /// What arrives of it.
    public var description: String { "a private matter" }
}

/// An error with much to say.
public struct Wordy: Error, CustomStringConvertible {
    var text: String
    /// All that it has to say.
    public var description: String { text }
}

/// A value whose bytes come and go, unless told otherwise.
public struct Fragile: Codable, Sendable, Equatable {
    /// Where it fails, or crashes.
    public enum Fault: String, Codable, Sendable { case none, encoding, decoding, crashEncoding, crashDecoding }
    /// Where this one fails.
    public var fault: Fault
    /// A value that fails there.
    public init(_ fault: Fault) { self.fault = fault }

    struct Broken: Error, CustomStringConvertible { var description: String }

    /// Throws where the value says so.
    public init(from decoder: any Decoder) throws {
        fault = try decoder.singleValueContainer().decode(Fault.self)
        if fault == .decoding { throw Broken(description: "this Fragile does not decode") }
        if fault == .crashDecoding { fatalError("this Fragile crashes who decodes it") }
    }

    /// Throws where the value says so.
    public func encode(to encoder: any Encoder) throws {
        if fault == .encoding { throw Broken(description: "this Fragile does not encode") }
        if fault == .crashEncoding { fatalError("this Fragile crashes who encodes it") }
        var container = encoder.singleValueContainer()
        try container.encode(fault)
    }
}

/// Two arguments.
public let add = Callable("add") { (a: Int, b: Int) -> Int in a + b }
/// The shortest call with an argument and a result.
public let increment = Callable("increment") { (n: Int) -> Int in n + 1 }
/// Tells which process it runs in.
public let processID = Callable("process_id") { () -> Int in Int(getpid()) }
/// The niceness of the process it runs in.
public let niceness = Callable("niceness") { () -> Int in Int(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))
}
/// The process in which the worker's program has begun: another one where the worker was forked. Written before anything else runs.
nonisolated(unsafe) public var programProcess: Int32 = 0
/// Starts a thread that does nothing.
public func startThread() {
    var thread = pthread_t()
    pthread_create(&thread, nil, { _ in while true { pause() } }, nil)
}
public let beginnings = Callable("beginnings") { () -> [Int] in [Int(programProcess), Int(getpid()), Int(getppid())] }
/// Bytes there and back, as many as wanted.
public let makeHooked = Callable("make_hooked") { () -> Hooked in Hooked() }

public let countRecords = Callable("count_records") { (piece: FilePiece) -> Int in
    var count = 0
    try piece.forEachRecord { _ in count += 1 }
    return count
}

public let echoBytes = Callable("echo_bytes") { (bytes: [UInt8]) -> [UInt8] in bytes }
/// An argument that may be nil.
public let greet = Callable("greet") { (name: String?) -> String in "hello, \(name ?? "nobody")" }
/// An async body that suspends once.
public let addLater = Callable("add_later") { (a: Int, b: Int) async -> Int in
    await Task.yield()
    return a + b
}
/// Neither argument nor result.
public let nothing = Callable("nothing") { () -> Void in }
/// Throws ``Refused``, which travels, for any code but 0.
public let refuse = Callable("refuse") { (code: Int) -> Int in
    if code != 0 { throw Refused(code: code) }
    return 0
}.throwing(Refused.self)
/// Throws ``Private``, which does not travel.
public let refusePrivately = Callable("refuse_privately") { () -> Int in throw Private() }
/// Throws an error whose description has that many bytes.
public let refuseAtLength = Callable("refuse_at_length") { (length: Int) -> Int in
    if length > 0 { throw Wordy(text: String(repeating: "é", count: length / 2)) }
    return 0
}
/// A result of so many bytes.
public let zeros = Callable("zeros") { (count: Int) -> [UInt8] in [UInt8](repeating: 0, count: count) }
/// How many bytes the worker has read and written so far, the wire's and all others (proc(5), `io`).
public let bytesMoved = Callable("bytes_moved") { () -> [Int] in
    guard let file = fopen("/proc/self/io", "r") else { return [] }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    var numbers: [Int] = []
    while numbers.count < 2, fgets(&line, 128, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        numbers.append(Int(text.split(whereSeparator: { !$0.isNumber })[0])!)
    }
    return numbers
}
/// A value there and back, which may fail at two of the four places.
public let echoFragile = Callable("echo_fragile") { (value: Fragile) -> Fragile in value }
/// The same after some milliseconds.
public let echoFragileLater = Callable("echo_fragile_later") { (value: Fragile, milliseconds: Int) -> Fragile in
    usleep(UInt32(milliseconds) * 1000)
    return value
}
/// Makes a ``Fragile`` in the worker, by the fault's name.
public let makeFragile = Callable("make_fragile") { (fault: String) -> Fragile in
    Fragile(Fragile.Fault(rawValue: fault)!)
}
/// Throws for each value.
public let refuseFragile = Callable("refuse_fragile") { (_: Fragile) -> Int in throw Refused(code: 1) }
/// Makes one after a tenth of a millisecond, so that a chunk of many is told by and by.
public let makeFragileLater = Callable("make_fragile_later") { (fault: String) -> Fragile in
    usleep(100)
    return Fragile(Fragile.Fault(rawValue: fault)!)
}
/// Ends the worker as a bug in Swift code does.
public let trap = Callable("trap") { (message: String) -> Int in fatalError(message) }
/// Ends the worker with a signal.
public let raiseSignal = Callable("raise_signal") { (number: Int) -> Int in
    raise(Int32(number))
    return number
}
/// Ends the worker as a bug in C code does.
public let writeToNowhere = Callable("write_to_nowhere") { (address: Int) -> Int in
    UnsafeMutablePointer<Int>(bitPattern: address)!.pointee = 1
    return 0
}
/// Ends the worker with an exit code.
public let leave = Callable("leave") { (code: Int) -> Int in exit(Int32(code)) }
/// Blocks until a file of that name is there; a test makes it.
public let awaitFile = Callable("await_file") { (path: String) -> Int in
    while access(path, F_OK) != 0 { usleep(1_000) }
    return 1
}
/// Bytes; unless the path is empty, when there is a file.
public let bytesWhenThere = Callable("bytes_when_there") { (path: String, count: Int) -> [UInt8] in
    while !path.isEmpty, access(path, F_OK) != 0 { usleep(1_000) }
    return [UInt8](repeating: 7, count: count)
}
/// Adds a line to a file that has to be there.
public let appendIfThere = Callable("note_if_there") { (path: String) throws -> Int in
    let file = open(path, O_WRONLY | O_APPEND)
    guard file >= 0 else { throw Refused(code: 1) }
    defer { close(file) }
    return write(file, "1\n", 2)
}.throwing(Refused.self)
/// How many records a chunk has.
public let countChunk = Callable("count_chunk") { (chunk: RecordChunk) -> Int in
    var count = 0
    try chunk.forEachRecord { _ in count += 1 }
    return count
}
/// Tells in a file that it runs, and in which process, then blocks until another is there.
public let meet = Callable("meet") { (own: String, other: String) -> Int in
    let file = open(own, O_CREAT | O_WRONLY, 0o600)
    let text = Array("\(getpid())\n".utf8)
    _ = write(file, text, text.count)
    close(file)
    while access(other, F_OK) != 0 { usleep(1_000) }
    return 1
}
/// Adds a line to a file, in one write, so that lines of several workers do not mix.
public let appendLine = Callable("append_line") { (path: String, line: Int) -> Int in
    let file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    defer { close(file) }
    let bytes = Array("\(line)\n".utf8)
    return write(file, bytes, bytes.count) == bytes.count ? line : -1
}
/// Kills the process of that number.
public let killProcess = Callable("kill_process") { (pid: Int) -> Int in
    kill(pid_t(pid), SIGKILL)
    return pid
}
/// Dies while it writes a result that no pipe holds.
public let dieWriting = Callable("die_writing") { (count: Int) -> [UInt8] in
    killLater()
    return [UInt8](repeating: 1, count: count)
}
/// Dies soon after it was told to begin, also while it still reads what comes next.
public let dieLater = Callable("die_later") { (bytes: [UInt8]) -> Int in
    killLater()
    while true { pause() }
}
/// Ends this process from another thread, at a moment that nobody chooses.
private func killLater() {
    var thread = pthread_t()
    let result = pthread_create(
        &thread, nil,
        { _ in
            usleep(.random(in: 0...3_000))
            kill(getpid(), SIGKILL)
            return nil
        }, nil)
    precondition(result == 0)
}
/// A token that only the caller keeps.
public let makeToken = Callable("make_token") { (number: Int) -> Token in
    if number < 0 { throw Refused(code: number) }
    return Token(number)
}
/// How many tokens there are in the worker while it runs, with its argument.
public let countTokens = Callable("count_tokens") { (token: Token?) -> Int in Token.count }
/// A token there and back.
public let echoToken = Callable("echo_token") { (token: Token) -> Token in token }
/// Gives up waiting, as a task does that waits for a future of its own.
public let giveUp = Callable("give_up") { () -> Int in try Future<Int>().result(timeout: .zero) }
/// Prints to standard output and standard error; tells how many bytes.
public let printBoth = Callable("print_both") { (text: String) -> Int in
    print(text)
    fputs(text + "\n", stderrStream)
    fflush(nil)
    return text.utf8.count
}
public let echoByte = Callable("echo_byte") { (byte: UInt8) in byte }
/// Writes so many letters to standard error at once.
public let writeLetters = Callable("write_letters") { (letter: UInt8, count: Int) -> Int in
    let letters = [UInt8](repeating: letter, count: count)
    return letters.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, count) }
}
/// The bytes of a variable of the worker's environment.
public let variableBytes = Callable("variable_bytes") { (name: String) -> [UInt8]? in
    getenv(name).map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
}
/// The names of the worker's environment variables.
public let environmentNames = Callable("environment_names") { () -> [String] in
    var names: [String] = []
    var entry = environ
    while let variable = entry.pointee {
        names.append(String(String(cString: variable).prefix { $0 != "=" }))
        entry += 1
    }
    return names
}
/// The descriptors that are open in the worker.
public let openDescriptors = Callable("open_descriptors") { () -> [Int] in
    (0..<1024).filter { fcntl(Int32($0), F_GETFD) >= 0 }
}
/// Sets what ``mark`` tells: for initializers.
public let setMark = Callable("set_mark") { (value: Int) -> Void in markValue = value }
/// What ``setMark`` has set in this worker; 0 before.
public let mark = Callable("mark") { () -> Int in markValue }
/// An initializer that throws ``Refused``.
public let failToSetUp = Callable("fail_to_set_up") { (code: Int) -> Void in throw Refused(code: code) }
    .throwing(Refused.self)
/// Closes the worker's end of the wire and goes on.
public let closeWire = Callable("close_wire") { () -> Int in
    close(4)
    while true { pause() }
}
/// Writes what is no frame on the wire and goes on.
public let writeGarbage = Callable("write_garbage") { () -> Int in
    let bytes = [UInt8](repeating: 0x5a, count: 100)
    _ = bytes.withUnsafeBytes { write(4, $0.baseAddress, $0.count) }
    while true { pause() }
}

/// Writes to standard error without end, until a file is there.
public let chatter = Callable("chatter") { (own: String, enough: String) -> Int in
    let line = Array(String(repeating: "chatter ", count: 512).utf8)
    close(open(own, O_CREAT | O_WRONLY, 0o600))
    while access(enough, F_OK) != 0 {
        for _ in 0..<64 { _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) } }
    }
    return 1
}
/// Starts a program that goes on when the task has returned, in a session of its own or not; tells its process id.
public let startInBackground = Callable("start_in_background") { (inOwnSession: Bool) -> Int in
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    // POSIX_SPAWN_SETSID of spawn.h.
    if inOwnSession { posix_spawnattr_setflags(&attributes, 0x80) }
    var pid: pid_t = 0
    let words: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
    posix_spawnp(&pid, "sleep", nil, &attributes, words, environ)
    return Int(pid)
}
/// Computes for so many microseconds.
public let keepBusy = Callable("keep_busy") { (microseconds: Int) -> Int in
    let end = ContinuousClock.now + .microseconds(microseconds)
    while ContinuousClock.now < end {}
    return microseconds
}
/// A pool of its own in the worker does the work.
public let incrementBelow = Callable("increment_below") { (n: Int) -> Int in
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    defer { pool.shutdown() }
    return try pool.submit(increment, n).result(timeout: .seconds(60))
}
/// Ignores SIGTERM, tells in a file that it runs, and never returns.
public let ignoreTermination = Callable("ignore_termination") { (own: String) -> Int in
    signal(SIGTERM, SIG_IGN)
    close(open(own, O_CREAT | O_WRONLY, 0o600))
    while true { pause() }
}
/// Stops its own process, as a debugger or a shell does.
public let stop = Callable("stop") { (own: String) -> Int in
    close(open(own, O_CREAT | O_WRONLY, 0o600))
    raise(SIGSTOP)
    return 1
}
/// Uses what async code is made of: an actor, sleep, a task group, unstructured tasks.
public let sumConcurrently = Callable("sum_concurrently") { (numbers: [Int]) async throws -> Int in
    let sum = Sum()
    try await withThrowingTaskGroup(of: Void.self) { group in
        for number in numbers {
            group.addTask {
                try await Task.sleep(nanoseconds: 1_000)
                await sum.add(number)
            }
        }
        try await group.waitForAll()
    }
    async let total = sum.value
    return await Task.detached { await sum.value }.value + total
}
private actor Sum {
    var value = 0
    func add(_ number: Int) { value += number }
}

/// Only the worker's one main thread touches it.
nonisolated(unsafe) private var markValue = 0
nonisolated(unsafe) private let stderrStream = fdopen(dup(STDERR_FILENO), "w")

/// All of the above, for the tests' pools and their workers.
public let testRegistry: FunctionRegistry = FunctionRegistry {
    add
    increment
    processID
    beginnings
    niceness
    countRecords
    makeHooked
    echoBytes
    greet
    addLater
    nothing
    refuse
    refusePrivately
    refuseAtLength
    zeros
    bytesMoved
    echoFragile
    echoFragileLater
    makeFragile
    makeFragileLater
    refuseFragile
    trap
    raiseSignal
    writeToNowhere
    leave
    awaitFile
    bytesWhenThere
    appendIfThere
    countChunk
    meet
    appendLine
    killProcess
    dieWriting
    dieLater
    makeToken
    countTokens
    echoToken
    giveUp
    printBoth
    echoByte
    writeLetters
    variableBytes
    prepareSlowly
    environmentNames
    openDescriptors
    setMark
    mark
    failToSetUp
    closeWire
    writeGarbage
    chatter
    startInBackground
    keepBusy
    incrementBelow
    ignoreTermination
    stop
    sumConcurrently
    progressFunctions
    valueFunctions
    processFunctions
    reductions
    sharedFunctions
    endFunctions
}
