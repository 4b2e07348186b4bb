/// How one call is treated among the others of its executor.
public struct CallOptions: Sendable, Hashable {
    /// Calls of a higher priority begin before those of a lower one, equal ones in the order of their submission. Any number;
    /// 0 is ordinary. Calls of a low priority wait as long as there are others. What was sent ahead to a busy worker process
    /// (a fifth of a millisecond of work, or one call) is not overtaken. The inline executor takes no notice of it.
    public var priority: Int

    /// Options for a call.
    public init(priority: Int = 0) { self.priority = priority }

    /// A call that begins before or after others.
    public static func priority(_ priority: Int) -> CallOptions { CallOptions(priority: priority) }
}
