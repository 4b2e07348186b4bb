import Futures
import Glibc
import TestFunctions

/// A program that uses a pool in surroundings which the test's own process cannot have: what it did is in a file, since
/// it may have no standard output.
struct Surroundings {
    let report: String
    let folder: String

    /// Ends the process after a minute, whatever happens: a test that gets there has failed.
    func run(_ name: String) throws {
        // The threads of tests block signals, and what they start inherits that.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        alarm(60)
        switch name {
        case "SIGCHLD ignored":
            signal(SIGCHLD, SIG_IGN)
            try usePool()
        case "SIGCHLD reaps everything":
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in while waitpid(-1, nil, WNOHANG) > 0 {} }
            sigaction(SIGCHLD, &action, nil)
            try usePool()
        case "closed standard descriptors":
            for descriptor in 0...2 { close(Int32(descriptor)) }
            try usePool()
        case "standard descriptors closed later":
            let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 2, maxTasksPerChild: 7)
            for descriptor in 1...2 { close(Int32(descriptor)) }
            try use(pool)
        case "few descriptors":
            setLimit(40)
            try usePool()
        case "no descriptors left":
            try runOutOfDescriptors()
        case "signals": try useUnderSignals()
        case "chatter": try listen()
        case "blocked standard error": try blockStandardError()
        case "strange environment": try haveStrangeEnvironment()
        case "a worker itself": askForOwnFunctions()
        case "slow standard error": try readStandardErrorLate()
        case "journal without standard error": try keepJournal()
        case "changed environment": try changeEnvironment()
        case "changed folder": try changeFolder()
        case "exit handler": try endInExitHandler()
        case "exit in a task": try exitWithin("task")
        case "exit in a callback": try exitWithin("callback")
        case "busy threads": try leaveThreads()
        default: fatalError("no surroundings \(name)")
        }
    }

    func say(_ text: String) {
        let file = open(report, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    private func setLimit(_ count: UInt) {
        var limit = rlimit(rlim_cur: count, rlim_max: count)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Work on workers that come and go, then a lost one; says what the loss was taken for.
    private func usePool() throws {
        try use(ProcessPoolExecutor(testRegistry, maxWorkers: 2, maxTasksPerChild: 7))
    }

    private func use(_ pool: ProcessPoolExecutor) throws {
        let futures = try (0..<50).map { try pool.submit(increment, $0) }
        let sum = try futures.map { try $0.result(timeout: .seconds(30)) }.reduce(0, +)
        // It prints to the descriptors that may be closed, and must not reach the wire.
        for _ in 0..<3 { _ = try pool.submit(printBoth, "words").result(timeout: .seconds(30)) }
        say("sum \(sum)")
        let lost = try pool.submit(leave, 3).exception(timeout: .seconds(30))
        say("\(lost.map { "\($0)" } ?? "nothing")")
        pool.shutdown()
        say("over")
    }

    /// Every descriptor but `spare` is taken while `body` runs.
    private func withFew<R>(spare: Int, _ body: () throws -> R) rethrows -> R {
        var taken = takeAll()
        for descriptor in taken.suffix(spare) { close(descriptor) }
        taken.removeLast(spare)
        defer { for descriptor in taken { close(descriptor) } }
        return try body()
    }

    private func takeAll() -> [Int32] {
        var taken: [Int32] = []
        while true {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return taken }
            taken.append(descriptor)
        }
    }

    /// A pool without a single descriptor left, and with one more each time, until there are enough.
    private func runOutOfDescriptors() throws {
        setLimit(64)
        for spare in 0...1 {
            let error = withFew(spare: spare) {
                do {
                    _ = try ProcessPoolExecutor(testRegistry, maxWorkers: 2)
                    return "a pool was made of \(spare) descriptors"
                } catch {
                    // What failed half-way has given back what it had.
                    let left = takeAll()
                    for descriptor in left { close(descriptor) }
                    return left.count == spare ? "\(error)" : "\(left.count) of \(spare) descriptors are left"
                }
            }
            say(error)
        }
        var failures = 0
        for spare in 0..<14 {
            let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 1)
            let error = try withFew(spare: spare) {
                try pool.submit(increment, 1).exception(timeout: .seconds(30))
            }
            if let error {
                failures += 1
                if failures == 1 { say("\(error)") }
                if !"\(error)".contains("Too many open files") { say("with \(spare): \(error)") }
            }
            pool.shutdown()
        }
        say("over")
    }

    /// A signal every 100 µs, to whichever thread the system picks.
    private func useUnderSignals() throws {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            signalsLeft -= 1
            if signalsLeft == 0 { _exit(1) }
        }
        sigaction(SIGALRM, &action, nil)
        var timer = itimerval()
        timer.it_interval.tv_usec = 100
        timer.it_value.tv_usec = 100
        setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 2, maxTasksPerChild: 50)
        let bytes = [UInt8](repeating: 7, count: 2 << 20)
        let large = try (0..<8).map { _ in try pool.submit(echoBytes, bytes) }
        let futures = try (0..<500).map { try pool.submit(increment, $0) }
        let sum = try futures.map { try $0.result(timeout: .seconds(30)) }.reduce(0, +)
        let isWhole = try large.allSatisfy { try $0.result(timeout: .seconds(30)) == bytes }
        pool.shutdown()
        say("sum \(sum), whole \(isWhole)")
        say("over")
    }

    /// One worker writes to its standard error without end; the other works.
    private func listen() throws {
        let nowhere = open("/dev/null", O_WRONLY)
        dup2(nowhere, STDERR_FILENO)
        close(nowhere)
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 2)
        let chatting = try pool.submit(chatter, "\(folder)/chatting", "\(folder)/enough")
        while access("\(folder)/chatting", F_OK) != 0 { usleep(1_000) }
        var sum = 0
        for number in 0..<50 { sum += try pool.submit(increment, number).result(timeout: .seconds(20)) }
        say("sum \(sum)")
        close(open("\(folder)/enough", O_CREAT | O_WRONLY, 0o600))
        _ = try chatting.result(timeout: .seconds(20))
        pool.shutdown()
        say("over")
    }

    /// Nobody reads this program's standard error, and its pipe is full.
    private func blockStandardError() throws {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        dup2(ends[1], STDERR_FILENO)
        let pool = try ProcessPoolExecutor(testRegistry, maxWorkers: 2)
        let chatting = try pool.submit(chatter, "\(folder)/chatting", "\(folder)/enough")
        while access("\(folder)/chatting", F_OK) != 0 { usleep(1_000) }
        var sum = 0
        for number in 0..<50 { sum += try pool.submit(increment, number).result(timeout: .seconds(20)) }
        say("sum \(sum)")
        pool.terminateWorkers()
        say("\(try chatting.exception(timeout: .seconds(20)) is BrokenProcessPool)")
        pool.shutdown()
        say("over")
    }
}

/// A minute of them. Counted by whichever thread a signal interrupts; roughly is enough.
nonisolated(unsafe) private var signalsLeft = 600_000
