internal import CProto
import Glibc

/// What one worker process may take of the machine. Nil, the default of each, leaves what the process inherits from
/// this program; this program's own limits never change.
///
/// The limits hold for all that a worker runs: its `initializer`, and one task after the other. They are set when the
/// process has just been started, before any task. What its `main` does before ``WorkerProcess/runIfSpawned(_:)``, and
/// the loading of its libraries, may be some microseconds ahead of them.
///
/// A worker that hits one of them may be lost, which ``LossCause`` tells apart. The limits are the kernel's, but for
/// ``residentMemory``: a worker cannot lift them unless it is privileged. What a worker starts itself inherits them,
/// for each process anew.
public struct WorkerLimits: Sendable, Hashable {
    /// The most bytes of addresses (RLIMIT_AS). At least 1.
    ///
    /// With it reached, allocating fails: Swift then ends the process with "Fatal error: failed to allocate ... bytes
    /// of memory", C has null from `malloc`, C++ throws `std::bad_alloc`. Addresses are not memory: libraries count in
    /// full, and each thread takes 8 MiB for its stack, and up to 64 MiB more for its part of the heap, most of which
    /// is never used. A Swift worker that does nothing needs about 40 MiB, which is more with each library; one with
    /// less does not come up.
    public var addressSpace: Int?

    /// The most bytes of memory of its own that are in RAM. At least 1.
    ///
    /// Linux has no such limit, so the pool looks every 100 ms while a worker comes up or runs something, and kills one
    /// that has more: it may have had much more in between. Pages of its own count (the heap, stacks, what it wrote to
    /// in private mappings); those of files that it maps and of shared memory do not, since other processes may have
    /// them, too, and the kernel can take back a file's. `ps` and `top` count both as RES.
    public var residentMemory: Int?

    /// How long its threads may compute, all together, over the worker's whole life (RLIMIT_CPU). More than zero;
    /// rounded up to whole seconds. The kernel counts in ticks, which may be a third too many on a machine that is
    /// busy.
    ///
    /// With it reached, the process gets SIGXCPU, which ends it unless it handles the signal, and a second later
    /// SIGKILL. Waiting takes no processor time: this is not a timeout. Use it with `maxTasksPerChild`, since earlier
    /// tasks count.
    public var processorTime: Duration?

    /// One more than the highest number that a descriptor may have (RLIMIT_NOFILE): the most files, pipes and sockets
    /// at a time. At least 16: a worker has 5 for itself, and needs some more when it starts.
    ///
    /// With it reached, opening fails with EMFILE. The only limit that one often wants to lift: programs are usually
    /// started with 1024, and may go up to `ulimit -Hn`. Beyond that it takes CAP_SYS_RESOURCE.
    public var openFiles: Int?

    /// How far it stands back behind others for processor time, from -20 (before all) to 19 (behind all); see nice(2).
    ///
    /// Less than what this program has takes CAP_SYS_NICE, or RLIMIT_NICE. Changes nothing while processors are free.
    public var niceness: Int?

    /// The numbers of the processors on which it may run, as /proc/cpuinfo has them; at least one.
    ///
    /// Each must be there and switched on, and allowed by the cpuset of the control group. Each worker gets all of
    /// them: it is not that one worker has one of them.
    public var processors: Set<Int>?

    /// The most bytes of a core file (RLIMIT_CORE), which a crash may leave; 0 for none. At least 0.
    ///
    /// Where the system gives core dumps to a program (core(5), a "|" in /proc/sys/kernel/core_pattern), any number but
    /// 0 may mean all.
    public var coreFileSize: Int?

    /// No limits, but for what is named.
    public init(
        addressSpace: Int? = nil, residentMemory: Int? = nil, processorTime: Duration? = nil, openFiles: Int? = nil,
        niceness: Int? = nil, processors: Set<Int>? = nil, coreFileSize: Int? = nil
    ) {
        self.addressSpace = addressSpace
        self.residentMemory = residentMemory
        self.processorTime = processorTime
        self.openFiles = openFiles
        self.niceness = niceness
        self.processors = processors
        self.coreFileSize = coreFileSize
    }

    /// Nothing but what is inherited.
    public static let none = WorkerLimits()

    /// The processor time in the kernel's unit, rounded up.
    var processorSeconds: Int? {
        processorTime.map { time in
            let (seconds, rest) = time.attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000_000)
            return Int(clamping: rest > 0 ? seconds + 1 : seconds)
        }
    }
}

extension WorkerLimits {
    /// What decides whether limits can be had: of this process and its machine.
    struct Surroundings {
        var hardLimit: (futures_resource) -> UInt64
        /// Whether hard limits are no obstacle.
        var mayLiftLimits: Bool
        /// The highest number of descriptors that can be had at all.
        var mostOpenFiles: UInt64
        var lowestNiceness: Int
        /// The processors that are switched on; nil if that cannot be known.
        var processors: Set<Int>?

        /// This process's, now.
        static var current: Surroundings {
            Surroundings(
                hardLimit: futures_hard_limit, mayLiftLimits: futures_may_lift_limits() != 0,
                mostOpenFiles: textOfFile("/proc/sys/fs/nr_open").flatMap {
                    $0.split(whereSeparator: \.isWhitespace).first.flatMap { UInt64($0) }
                } ?? .max,
                lowestNiceness: Int(futures_lowest_niceness()),
                processors: textOfFile("/sys/devices/system/cpu/online").flatMap(processors(in:)))
        }

        /// The numbers in a list of the kernel's, such as "0-3,8"; nil if it is none.
        static func processors(in list: String) -> Set<Int>? {
            var found: Set<Int> = []
            for range in list.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
                let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
                guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], 0 <= first,
                    first <= last, last < FUTURES_PROCESSOR_LIMIT
                else { return nil }
                found.formUnion(first...last)
            }
            return found.isEmpty ? nil : found
        }
    }

    /// Refuses what no worker can be given, as far as that can be known before one is started.
    ///
    /// - Parameter name: how the limits are called where the user wrote them.
    func check(
        _ name: String = "workerLimits", in surroundings: @autoclosure () -> Surroundings = .current
    ) throws(InvalidArgumentError) {
        guard self != .none else { return }
        func refuse(_ setting: String, _ problem: String) -> InvalidArgumentError {
            InvalidArgumentError(argument: "\(name).\(setting)", problem: problem)
        }
        if let addressSpace { try InvalidArgumentError.check("\(name).addressSpace", addressSpace) }
        if let residentMemory { try InvalidArgumentError.check("\(name).residentMemory", residentMemory) }
        if let processorTime, processorTime <= .zero {
            throw refuse("processorTime", "must be more than zero, not \(processorTime)")
        }
        if let openFiles, openFiles < 16 { throw refuse("openFiles", "must be at least 16, not \(openFiles)") }
        if let niceness, !(-20...19).contains(niceness) {
            throw refuse("niceness", "must be from -20 to 19, not \(niceness)")
        }
        if let processors, processors.isEmpty { throw refuse("processors", "must name at least one") }
        if let coreFileSize, coreFileSize < 0 {
            throw refuse("coreFileSize", "must be at least 0, not \(coreFileSize)")
        }

        let surroundings = surroundings()
        for (setting, resource, wanted) in wantedLimits {
            let most = surroundings.hardLimit(resource)
            guard UInt64(wanted) > most, !surroundings.mayLiftLimits else { continue }
            throw refuse(
                setting, "is above this program's own hard limit of \(most): \(wanted); that takes CAP_SYS_RESOURCE")
        }
        if let openFiles, UInt64(openFiles) > surroundings.mostOpenFiles {
            throw refuse(
                "openFiles",
                "is above \(surroundings.mostOpenFiles), which the system allows (fs.nr_open): \(openFiles)")
        }
        if let niceness, niceness < surroundings.lowestNiceness {
            let most = surroundings.lowestNiceness
            throw refuse(
                "niceness", "is below \(most), which this program may give: \(niceness); that takes CAP_SYS_NICE")
        }
        if let processors, let known = surroundings.processors, !processors.isSubset(of: known) {
            let missing = processors.subtracting(known).sorted()
            throw refuse("processors", "names \(missing), and the machine has only \(known.sorted())")
        }
    }

    /// The kernel's limits that are wanted, with the names of the settings.
    private var wantedLimits: [(setting: String, resource: futures_resource, value: Int)] {
        [
            ("addressSpace", FUTURES_ADDRESS_SPACE, addressSpace),
            ("processorTime", FUTURES_PROCESSOR_TIME, processorSeconds),
            ("openFiles", FUTURES_OPEN_FILES, openFiles), ("coreFileSize", FUTURES_CORE_FILE, coreFileSize),
        ].compactMap { setting, resource, value in value.map { (setting, resource, $0) } }
    }

    /// A limit that a process was not given.
    struct Refusal: Error {
        var setting: String
        var errno: Int32
    }

    /// Sets the limits of a process that was just started, with a group of its own; ``residentMemory`` is the pool's to
    /// watch. It stays as it is if it has ended.
    ///
    /// - Parameter pid: a child that nobody has reaped, so that the number is its own.
    func apply(to pid: Int32) throws(Refusal) {
        guard self != .none else { return }
        for (setting, resource, value) in wantedLimits {
            var result: Int32
            if resource == FUTURES_PROCESSOR_TIME {
                // A second between SIGXCPU and SIGKILL; none where the inherited hard limit allows that only.
                result = futures_set_limit(pid, resource, UInt64(value), UInt64(value) + 1)
                if result == -EPERM { result = futures_set_limit(pid, resource, UInt64(value), UInt64(value)) }
            } else {
                result = futures_set_limit(pid, resource, UInt64(value), UInt64(value))
            }
            try Self.check(result, setting)
        }
        if let niceness { try Self.check(futures_set_niceness(pid, Int32(niceness)), "niceness") }
        if let processors {
            // A number that is none of the kernel's stays one.
            let numbers = processors.map { Int32(clamping: $0) }
            try Self.check(futures_set_affinity(pid, numbers, numbers.count), "processors")
        }
    }

    private static func check(_ result: Int32, _ setting: String) throws(Refusal) {
        // It has ended already: whoever waits for it learns that, and why.
        guard result < 0, result != -ESRCH else { return }
        throw Refusal(setting: setting, errno: -result)
    }
}
