import Futures
import Glibc
import TestFunctions

programProcess = getpid()
if CommandLine.arguments.dropFirst().first == "threads" { startThread() }
// What it opens must be in nobody's way.
if CommandLine.arguments.dropFirst().first == "files", (0..<4).contains(where: { _ in open("/dev/zero", O_RDWR) < 6 }) {
    exit(1)
}
// It starts another program before it serves.
if CommandLine.arguments.dropFirst().first == "program" { _ = try runCommand.call("sleep 1000 >/dev/null 2>&1 &") }
// A program that was built before there were fork servers.
if CommandLine.arguments.dropFirst().first == "old",
    getenv("FUTURES_WORKER").map({ strstr($0, "fork") != nil }) ?? false
{
    exit(78)
}
// Started by a pool, the tests' worker; started by a test, a program that has a pool of its own.
if CommandLine.arguments.dropFirst().first == "hostile" { HostileWorker.serve(CommandLine.arguments[2]) }
if CommandLine.arguments.dropFirst().first == "victim" {
    Victim.run(CommandLine.arguments[2], CommandLine.arguments[3...])
}
if CommandLine.arguments.dropFirst().first == "faulty" {
    isFaultyWorker = true
    if CommandLine.arguments.count == 5, let fault = Fault(rawValue: CommandLine.arguments[3]) {
        // The pool's hello is there.
        if CommandLine.arguments[2] == "handshake" {
            var ready = pollfd(fd: 3, events: Int16(POLLIN), revents: 0)
            poll(&ready, 1, -1)
        }
        try FaultPlan(fault, path: CommandLine.arguments[4]).reach()
    }
    WorkerProcess.runIfSpawned(faultFunctions)
}
WorkerProcess.runIfSpawned(testRegistry)

switch CommandLine.arguments.dropFirst().first {
case "orphans":
    // Has two workers that are at something, says so in a file, and waits to be killed.
    try Orphans.wait(doing: CommandLine.arguments[2], folder: CommandLine.arguments[3])
case "ending orphan":
    try Orphans.waitForEnd(startMethod: CommandLine.arguments[2], folder: CommandLine.arguments[3])
case "leave":
    // Ends with workers that compute or idle, and no shutdown.
    let folder = CommandLine.arguments[3]
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 2)
    let meeting = [
        try pool.submit(meet, "\(folder)/a", "\(folder)/b"), try pool.submit(meet, "\(folder)/b", "\(folder)/a"),
    ]
    for future in meeting { _ = try future.result(timeout: .seconds(60)) }
    if CommandLine.arguments[2] == "busy" {
        for name in ["c", "d"] { _ = try pool.submit(meet, "\(folder)/\(name)", "\(folder)/never") }
        // The test wants another exit code.
        let end = ContinuousClock.now + .seconds(60)
        while access("\(folder)/c", F_OK) != 0 || access("\(folder)/d", F_OK) != 0 {
            if ContinuousClock.now > end { exit(1) }
            usleep(1_000)
        }
    }
case "interrupted":
    // In a process group of its own, as a shell starts it, and deaf to Ctrl-C; its worker is not.
    let folder = CommandLine.arguments[2]
    setpgid(0, 0)
    signal(SIGINT, SIG_IGN)
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    print("met", try pool.submit(meet, "\(folder)/runs", "\(folder)/go").result(timeout: .seconds(60)))
    pool.shutdown()
case "undumpable":
    // No other process may look into it; then it has nothing that others could map.
    alarm(60)
    typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    let setDumpable: Int32 = 4  // PR_SET_DUMPABLE of linux/prctl.h
    _ = unsafeBitCast(dlsym(nil, "prctl"), to: Control.self)(setDumpable, 0, 0, 0, 0)
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    let bytes = try pool.share([UInt8](repeating: 1, count: 1000))
    print(
        try pool.submit(sumShared, bytes).result(), try bytes.value.count, try pool.submit(countMappings).result())
    pool.shutdown()
case "print":
    let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
    print("answer", try pool.submit(printBoth, "to the output").result(timeout: .seconds(60)))
    _ = try pool.submit(printBoth, "to the error").result(timeout: .seconds(60))
    pool.shutdown()
case "defaults":
    // The sizes that pools have here when nobody says one.
    alarm(60)
    print(try ProcessPoolExecutor(testRegistry).maxWorkers, try ThreadPoolExecutor().maxWorkers)
case "surroundings":
    let folder = CommandLine.arguments[3]
    try Surroundings(report: "\(folder)/report", folder: folder).run(CommandLine.arguments[2])
default:
    print("this program is a worker for the tests; a pool starts it")
}
