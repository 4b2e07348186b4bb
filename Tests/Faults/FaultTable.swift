import TestFunctions

/// Where in a task's way a fault happens.
enum Phase: String, CaseIterable {
    case starting
    case handshake
    case initializer
    case decodingTask = "decoding the task"
    case running
    case encodingResult = "encoding the result"
    case writingResult = "writing a result of 50 MB"
    case readingTask = "being sent a task of 50 MB"
    case lendingResult = "a result of 100 MB is copied from its memory"
    case puttingTask = "a task of 100 MB is copied into its memory"
    case idle
    case shuttingDown = "running, after shutdown was called"
    case draining
    case decodingResult = "the pool decodes the result"
    case callback = "running, during a callback"
}

/// What a lost worker is to cost.
enum Policy: String, CaseIterable {
    case breakPool, failTask, retry
}

/// What the user sees of a fault that happens once.
enum Seen: String {
    /// What the call threw.
    case error
    /// A ``TransportError``.
    case transport
    /// A ``BrokenProcessPool``; the pool takes nothing more.
    case broken
    /// A ``WorkerLostError``.
    case lost
    /// A ``TaskTimeoutError``.
    case timeout
    /// The value, as if nothing had been; perhaps of another worker.
    case value
}

/// The crash table: what is seen in each case. It stands in docs/failure-model.md as well, and a test compares.
enum FaultTable {
    /// Nil where there is no such case.
    static func expected(_ phase: Phase, _ fault: Fault, _ policy: Policy) -> Seen? {
        switch phase {
        case .starting, .handshake: atStart(fault)
        case .initializer: inInitializer(fault)
        case .decodingTask: fault == .throwing ? .transport : inTask(fault, policy)
        case .encodingResult: fault == .throwing ? .transport : inTask(fault, policy)
        case .running, .shuttingDown, .callback: fault == .throwing ? .error : inTask(fault, policy)
        case .writingResult: whileWriting(fault, policy)
        // It had not begun the call, which is therefore charged with nothing.
        case .readingTask, .puttingTask: besideTask(fault, policy).map { $0 == .lost ? .value : $0 }
        // Its memory is there as long as the process is, also when it is stopped.
        case .lendingResult: fault == .stop ? .value : whileWriting(fault, policy)
        case .idle: whileIdle(fault, policy)
        case .draining: fault == .throwing ? nil : .value
        case .decodingResult: fault == .throwing ? .transport : nil
        }
    }

    private static func atStart(_ fault: Fault) -> Seen? {
        switch fault {
        case .throwing: nil
        // The next start may work.
        case .exit0, .exit1, .fatalError, .segmentationFault, .kill, .halfFrame, .eatMemory: .value
        // The next one would do the same.
        case .stop, .closeWire, .garbage, .enormousLength, .ignoreTermination: .broken
        }
    }

    private static func inInitializer(_ fault: Fault) -> Seen? {
        switch fault {
        case .throwing, .stop, .ignoreTermination: .broken
        default: .value
        }
    }

    private static func inTask(_ fault: Fault, _ policy: Policy) -> Seen? {
        switch fault {
        case .throwing: nil
        // With a hard timeout; without one they go on for ever.
        case .stop, .ignoreTermination: .timeout
        default: loss(policy)
        }
    }

    private static func whileWriting(_ fault: Fault, _ policy: Policy) -> Seen? {
        switch fault {
        // The rest of the result is with the kernel already, and arrives; then it is as with an idle worker.
        case .closeWire, .garbage, .enormousLength: .value
        default: besideTask(fault, policy)
        }
    }

    /// Whether the pool takes more after a fault.
    static func goesOn(_ phase: Phase, _ fault: Fault, _ policy: Policy) -> Bool {
        if phase == .writingResult || phase == .lendingResult, [.closeWire, .garbage, .enormousLength].contains(fault) {
            return policy != .breakPool
        }
        return expected(phase, fault, policy) != .broken
    }

    private static func besideTask(_ fault: Fault, _ policy: Policy) -> Seen? {
        switch fault {
        case .throwing, .ignoreTermination: nil
        case .stop: .timeout
        default: loss(policy)
        }
    }

    private static func whileIdle(_ fault: Fault, _ policy: Policy) -> Seen? {
        switch fault {
        case .throwing, .ignoreTermination: nil
        case .stop: .timeout
        default: policy == .breakPool ? .broken : .value
        }
    }

    private static func loss(_ policy: Policy) -> Seen {
        switch policy {
        case .breakPool: .broken
        case .failTask: .lost
        case .retry: .value
        }
    }

    /// As in the document.
    static var markdown: String {
        var lines = ["| phase | " + Fault.allCases.map(\.rawValue).joined(separator: " | ") + " |"]
        lines.append("| --- |" + String(repeating: " --- |", count: Fault.allCases.count))
        for phase in Phase.allCases {
            let cells = Fault.allCases.map { fault -> String in
                let seen = Policy.allCases.compactMap { expected(phase, fault, $0)?.rawValue }
                if seen.isEmpty { return "–" }
                return Set(seen).count == 1 ? seen[0] : seen.joined(separator: " / ")
            }
            lines.append("| \(phase.rawValue) | " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }
}
