import ArgumentParser
import Glibc

/// One part of what a call goes through, alone and without other processes, so that its instructions can be counted.
struct Part {
    let name: String
    let about: String
    /// Prepares, and returns what does it so many times.
    let prepare: () throws -> (_ count: Int) throws -> Void

    init(_ name: String, _ about: String, prepare: @escaping () throws -> (_ count: Int) throws -> Void) {
        self.name = name
        self.about = about
        self.prepare = prepare
    }
}

/// What is measured must be used, or the compiler removes it.
@inline(never)
func use<T>(_ value: borrowing T) {}

@main
struct PartBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "part-benchmark",
        abstract: "Do one part of what a call goes through, many times.",
        discussion: "Benchmarks/parts.sh counts the instructions of each, and compares revisions.")

    @Flag(help: "The parts, one line each: its name, a tab, and what it is.")
    var list = false

    @Argument(help: "The part.")
    var part: String?

    @Argument(help: "How many times.")
    var count = 1000

    func validate() throws {
        if !list, !parts.contains(where: { $0.name == part }) {
            throw ValidationError("there are these parts: \(parts.map(\.name).joined(separator: " "))")
        }
        if count < 0 { throw ValidationError("COUNT must not be negative") }
    }

    func run() throws {
        if list {
            for part in parts { print("\(part.name)\t\(part.about)") }
            return
        }
        guard let part = parts.first(where: { $0.name == part }) else { return }
        let work = try part.prepare()
        // Caches of the runtime are filled once, whatever the count.
        try work(1)
        let clock = ContinuousClock()
        let start = clock.now
        try work(count)
        print((clock.now - start) / .nanoseconds(1), "ns")
    }
}
