import Glibc
import Testing

/// What a process has open and running; no more after a test that cleans up than before it.
public struct Leftovers: Sendable, CustomStringConvertible {
    /// Number and target of each open descriptor.
    public var descriptors: [String]
    /// The process ids of the children, zombies too.
    public var children: [Int32]
    /// The numbers of the threads that have a pool's name.
    public var threads: [String]

    /// How many threads have a pool's name.
    public var poolThreads: Int { threads.count }

    /// Whether there is nothing at all.
    public var isEmpty: Bool { descriptors.isEmpty && children.isEmpty && threads.isEmpty }

    /// Everything, in words.
    public var description: String { "descriptors \(descriptors), children \(children), pool threads \(threads)" }

    /// What there is now.
    public static func now() -> Leftovers {
        Leftovers(
            descriptors: ProcFiles.entries(of: "/proc/self/fd").compactMap(descriptor).sorted(),
            children: childProcesses(),
            threads: poolThreads().sorted())
    }

    /// What there is here and was not there before. What was there and has gone does not count, not even against
    /// something new: it may be the last that a test before let go of.
    public func added(to before: Leftovers) -> Leftovers {
        Leftovers(
            descriptors: descriptors.filter { !before.descriptors.contains($0) },
            children: children.filter { !before.children.contains($0) },
            threads: threads.filter { !before.threads.contains($0) })
    }

    /// The threads of this process that have a pool's name, as proc(5) names them.
    public static func poolThreads() -> [String] {
        ProcFiles.entries(of: "/proc/self/task").filter { ProcFiles.threadName($0).hasPrefix("futures-pool") }
    }

    /// Runs a test, and fails it if a descriptor, child process or pool thread is left that was not there before.
    /// Suites that use it are serialized: another test's would be taken for this one's.
    ///
    /// Descriptors live as long as the pool, and a thread that has done its last work for it (that of a journal, one
    /// that completes a future) may be about to let go of that: they are waited for, in a bounded time. Processes are
    /// not.
    ///
    /// - Parameter eventually: whether processes, too, may end on their own, in a bounded time.
    public static func check<R>(
        eventually: Bool = false, _ body: () throws -> R, sourceLocation: SourceLocation = #_sourceLocation
    ) rethrows -> R {
        let before = beforehand()
        let result = try body()
        let left = settled(before, tries: tries(before, eventually))
        // In words, too: of a test in a process of its own, the comment is all that is told.
        #expect(left.isEmpty, "left over: \(left); there was before it: \(before)", sourceLocation: sourceLocation)
        return result
    }

    /// How often it is looked again at what is left.
    private static func tries(_ before: Leftovers, _ eventually: Bool = false) -> Int {
        eventually || childProcesses().allSatisfy(before.children.contains) ? 10_000 : 0
    }

    /// What there is now; looked at again for a moment while it has a pool's thread, which may be one of the test before, as
    /// ``settled(_:tries:)`` says.
    private static func beforehand() -> Leftovers {
        hasStartedSymbolizer
        for _ in 0..<100 where !poolThreads().isEmpty { usleep(1_000) }
        return now()
    }

    /// What there is now and was not before; looked at again while there is something. A thread that was joined may be
    /// listed a moment longer (the kernel tells the joiner before it takes the thread off the list), anything else may
    /// not.
    private static func settled(_ before: Leftovers, tries: Int) -> Leftovers {
        var left = now().added(to: before)
        for attempt in 0..<max(tries, 1_000) where !left.isEmpty {
            let isOnlyThreads = left.descriptors.isEmpty && left.children.isEmpty
            if attempt >= tries, !isOnlyThreads { break }
            usleep(1_000)
            left = now().added(to: before)
        }
        return left
    }

    /// ``check(_:sourceLocation:)`` for async tests.
    public static func check<R>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async rethrows -> R {
        let before = beforehand()
        let result = try await body()
        let left = settled(before, tries: tries(before))
        #expect(left.isEmpty, "left over: \(left); there was before it: \(before)", sourceLocation: sourceLocation)
        return result
    }

    /// The number and target of a descriptor; nil for the one that reads the folder.
    private static func descriptor(_ name: String) -> String? {
        var target = [CChar](repeating: 0, count: 512)
        guard readlink("/proc/self/fd/\(name)", &target, target.count - 1) > 0 else { return nil }
        let text = String(decoding: target.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        // The concurrency runtime opens a timer with the first sleep of a task, and keeps it.
        return text.contains("/proc/") || text.contains("[timerfd]") ? nil : "\(name)=\(text)"
    }

    /// The children of this process, zombies too.
    public static func childProcesses() -> [Int32] {
        ProcFiles.children(of: getpid()).filter { ProcFiles.lines(of: "/proc/\($0)/comm") != ["llvm-symbolizer"] }
            .sorted()
    }

    /// A sanitizer that has something to look up, be it for a report that is suppressed, starts a program for that, with pipes to
    /// it, and keeps it. It does so here, before the first test: what is there before is not left over.
    private static let hasStartedSymbolizer: Void = {
        typealias Symbolize =
            @convention(c) (UnsafeRawPointer, UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int) -> Void
        guard dlsym(dlopen(nil, RTLD_NOW), "__tsan_init") != nil,
            let symbol = dlsym(dlopen(nil, RTLD_NOW), "__sanitizer_symbolize_pc")
        else { return }
        var text = [CChar](repeating: 0, count: 1024)
        unsafeBitCast(symbol, to: Symbolize.self)(symbol, "%f", &text, text.count)
    }()
}
