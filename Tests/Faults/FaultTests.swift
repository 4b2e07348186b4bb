import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

/// Every cell of the crash table is run: phase × fault × policy.
@Suite(.serialized) struct FaultTests {
    /// Longer than anything here takes on a loaded machine.
    private let longTime = Duration.seconds(60)

    struct Cell: CustomTestStringConvertible {
        var phase: Phase
        var fault: Fault
        var policy: Policy
        var testDescription: String { "\(phase.rawValue), \(fault.rawValue), \(policy.rawValue)" }

        static func all(_ phase: Phase) -> [Cell] {
            Fault.allCases.flatMap { fault in
                Policy.allCases.compactMap { policy in
                    FaultTable.expected(phase, fault, policy) == nil
                        ? nil : Cell(phase: phase, fault: fault, policy: policy)
                }
            }
        }

        var hangs: Bool { fault == .stop || fault == .ignoreTermination }
    }

    /// The thread sanitizer handles crashes in its own way.
    private static let crashesArePlain = getenv("FUTURES_THREAD_SANITIZER") == nil

    @Test(
        "what is seen of a fault, and what is left of the pool", .enabled(if: crashesArePlain),
        .proves(.P4, .P7), arguments: Phase.allCases)
    func phase(_ phase: Phase) throws {
        try Leftovers.check {
            // Side by side, since most of the time is spent with waiting.
            let threads = try ThreadPoolExecutor(maxWorkers: 6)
            let reports = try threads.map({ (cell: Cell) in try self.runInTime(cell) }, Cell.all(phase))
            for report in try reports.collect() { for problem in report { Issue.record("\(problem)") } }
            threads.shutdown()
        }
    }

    @Test("what an initializer has written on the wire is told as a start that failed", .proves(.P2, .P5))
    func garbageOfAnInitializer() throws {
        try Leftovers.check {
            let folder = TemporaryFolder()
            var worker = BuildProducts.testWorker
            worker.arguments = ["faulty"]
            let plan = FaultPlan(.garbage, path: folder.file("reached"), times: 3)
            let pool = try ProcessPoolExecutor(
                faultFunctions, maxWorkers: 1, worker: worker, initializer: WorkerInitializer(runFaulty, plan))
            let error = try pool.submit(increment, 1).exception(timeout: longTime) as? BrokenProcessPool
            let cause = try #require(error?.cause as? WorkerStartError)
            #expect(
                "\(cause)".contains("broke the rules of the wire while it ran the pool's initializer: "), "\(cause)")
            pool.shutdown()
        }
    }

    /// What is copied does not wait for the fault: on a loaded machine one may come too late, or too early, so that the
    /// call before fails or the pool takes no other. It is that of another phase then.
    private func runInTime(_ cell: Cell) throws -> [String] {
        let isCopying = [.writingResult, .readingTask, .lendingResult, .puttingTask].contains(cell.phase)
        var problems: [String] = []
        for _ in 0..<(isCopying ? 20 : 1) {
            do {
                problems = try run(cell)
            } catch {
                guard isCopying else { throw error }
                problems = ["\(cell.testDescription): \(error)"]
            }
            if problems.isEmpty { break }
        }
        return problems
    }

    /// What is not as it should be.
    private func run(_ cell: Cell) throws -> [String] {
        let (phase, fault, policy) = (cell.phase, cell.fault, cell.policy)
        let folder = TemporaryFolder()
        let plan = FaultPlan(fault, path: folder.file("reached"))
        let pool = try pool(for: cell, plan)
        defer { pool.shutdown() }
        var problems: [String] = []
        let seen = try see(cell, plan, pool, folder)
        let expected = FaultTable.expected(phase, fault, policy)
        if seen != expected {
            problems.append("\(cell.testDescription): \(seen?.rawValue ?? "nothing"), not \(expected?.rawValue ?? "")")
        }
        let isOver = phase == .shuttingDown || phase == .draining
        if !isOver, goesOn(pool) != FaultTable.goesOn(phase, fault, policy) {
            problems.append("\(cell.testDescription): afterwards the pool is not as it should be")
        }
        pool.shutdown()
        if access(plan.path, F_OK) != 0 { problems.append("\(cell.testDescription): the fault was never reached") }
        return problems
    }

    private func pool(for cell: Cell, _ plan: FaultPlan) throws -> ProcessPoolExecutor {
        var worker = BuildProducts.testWorker
        // Swift's crash report takes a second; what is in it is tested elsewhere.
        worker.environment = ["SWIFT_BACKTRACE": "enable=no"]
        worker.arguments = ["faulty"]
        if cell.phase == .starting || cell.phase == .handshake {
            worker.arguments += [cell.phase.rawValue, cell.fault.rawValue, plan.path]
        }
        var options = ProcessPoolOptions()
        if cell.phase == .writingResult || cell.phase == .readingTask { options.detachedPayloadSize = nil }
        switch cell.policy {
        case .breakPool: options.onWorkerLoss = .breakPool
        case .failTask: options.onWorkerLoss = .failTask
        case .retry: options.onWorkerLoss = .retry(RetryPolicy(crashes: 1, memoryKills: 1, backoff: .none))
        }
        if cell.hangs {
            // On a loaded machine it takes a while until a fault is reached.
            options.hardTimeout = .milliseconds(1_500)
            options.startTimeout = .seconds(1)
            options.terminationGrace = .milliseconds(200)
        }
        return try ProcessPoolExecutor(
            faultFunctions, maxWorkers: 1, worker: worker,
            initializer: cell.phase == .initializer ? WorkerInitializer(runFaulty, plan) : nil, options: options)
    }

    private func see(
        _ cell: Cell, _ plan: FaultPlan, _ pool: ProcessPoolExecutor, _ folder: TemporaryFolder
    ) throws -> Seen? {
        switch cell.phase {
        case .starting, .handshake, .initializer:
            return try outcome(of: pool.submit(increment, 1))
        case .decodingTask:
            return try outcome(of: pool.submit(takeFaulty, FaultyArgument(plan)))
        case .running:
            return try outcome(of: pool.submit(runFaulty, plan))
        case .encodingResult:
            return try outcome(of: pool.submit(makeFaulty, plan, false))
        case .decodingResult:
            return try outcome(of: pool.submit(makeFaulty, plan, true))
        case .writingResult:
            return try outcome(of: pool.submit(writeFaulty, plan, 50 << 20))
        case .readingTask:
            _ = try pool.submit(armFault, plan, .reading).result(timeout: longTime)
            return try outcome(of: pool.submit(countBytes, [UInt8](repeating: 1, count: 50 << 20)))
        case .lendingResult:
            return try outcome(of: pool.submit(lendFaulty, plan, 100 << 20))
        case .puttingTask:
            _ = try pool.submit(armFault, plan, .putting).result(timeout: longTime)
            return try outcome(of: pool.submit(countBytes, [UInt8](repeating: 1, count: 100 << 20)))
        case .idle:
            let worker = pid_t(try pool.submit(processID).result(timeout: longTime))
            _ = try pool.submit(armFault, plan, .idle).result(timeout: longTime)
            try spin { access(plan.path, F_OK) == 0 }
            // Otherwise it may answer the next call before it stops, or begin it before the pool notices.
            if cell.fault == .stop { try spin { ProcFiles.state(of: worker) == "T" } }
            if !cell.hangs { try spin { ProcFiles.state(of: worker) == nil } }
            return try outcomeOnceNoticed(pool, cell)
        case .shuttingDown:
            let future = try pool.submit(runFaultyLater, plan, folder.file("runs"), folder.file("go"))
            try folder.waitFor("runs")
            pool.shutdown(wait: false)
            folder.write("", to: "go")
            return try outcome(of: future)
        case .draining:
            let armed = try pool.submit(armFault, plan, .ending)
            pool.shutdown()
            return try outcome(of: armed)
        case .callback:
            let gate = Gate()
            try pool.submit(increment, 1).addDoneCallback { (_: AnyFuture) in try? gate.wait() }
            let seen = try outcome(of: pool.submit(runFaulty, plan))
            gate.open()
            return seen
        }
    }

    /// Of a worker that did something while it had nothing to do: what becomes of the next calls.
    private func outcomeOnceNoticed(_ pool: ProcessPoolExecutor, _ cell: Cell) throws -> Seen? {
        var seen: Seen?
        // The pool may notice only after the next call has gone out.
        let end = ContinuousClock.now + .seconds(cell.policy == .breakPool && !cell.hangs ? 20 : 0)
        repeat {
            do { seen = try outcome(of: pool.submit(increment, 1)) } catch is BrokenProcessPool { seen = .broken }
        } while seen == .value && ContinuousClock.now < end
        return seen
    }

    private func outcome(of future: AnyFuture) throws -> Seen? {
        switch try future.exception(timeout: longTime) {
        case nil: .value
        case is Refused: .error
        case is TransportError: .transport
        case is BrokenProcessPool: .broken
        case is WorkerLostError: .lost
        case is TaskTimeoutError: .timeout
        case let other?: throw Unexpected(error: "\(other)")
        }
    }

    private struct Unexpected: Error { var error: String }

    private func goesOn(_ pool: ProcessPoolExecutor) -> Bool {
        // The first may have been given to the worker before what it has done was noticed, and be lost with it.
        (0..<2).contains { _ in (try? pool.submit(increment, 1).result(timeout: longTime)) == 2 }
    }

    @Test("the document has this table")
    func document() throws {
        let path = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("/\(path)/docs/failure-model.md", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        if !text.contains(FaultTable.markdown) { Issue.record("put this there:\n\(FaultTable.markdown)") }
    }
}
