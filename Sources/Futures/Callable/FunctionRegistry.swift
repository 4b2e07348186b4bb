import Wire

/// The functions that a worker can be asked to run, by name.
///
/// ```swift
/// let registry = FunctionRegistry { isPrime; power }
/// ```
///
/// Decoding what arrives on the wire never runs anything but the initialisers of the types that these callables name.
public struct FunctionRegistry: Sendable {
    package let functions: [RegisteredFunction]
    package let indexByName: [String: Int]
    /// Whether the functions are found out when a worker is asked.
    let isExternal: Bool

    /// The names of the registered functions, in the order given.
    public var names: [String] { functions.map(\.name) }

    /// Collects callables.
    ///
    /// A name that is there twice is a programming error and traps with both signatures; ``init(validating:)`` throws
    /// instead.
    public init(@Builder _ content: () -> [RegisteredFunction]) {
        do {
            self = try FunctionRegistry(validating: content())
        } catch {
            fatalError("\(error)")
        }
    }

    /// Collects functions that were gathered at run time.
    ///
    /// - Throws: ``CallableError/duplicate(name:first:second:)`` if two of them have the same name.
    public init(validating functions: [RegisteredFunction]) throws(CallableError) {
        var indexByName: [String: Int] = [:]
        for (index, function) in functions.enumerated() {
            if let first = indexByName.updateValue(index, forKey: function.name) {
                throw .duplicate(
                    name: function.name, first: functions[first].signature, second: function.signature)
            }
        }
        self.functions = functions
        self.indexByName = indexByName
        isExternal = false
    }

    private init(external: Void) {
        functions = []
        indexByName = [:]
        isExternal = true
    }

    /// Stands for the callables whose code only the workers have: a plug-in's, or another executable's. They are made with
    /// ``Callable/init(external:)``; which of them exist is found out when a worker is asked.
    ///
    /// ```swift
    /// try await withProcessPool(.external, worker: .workerHost(at: path, load: library)) { pool in ... }
    /// ```
    public static let external = FunctionRegistry(external: ())

    package subscript(name: String) -> RegisteredFunction? {
        indexByName[name].map { functions[$0] }
    }

    /// Gathers the callables of a registry's block.
    @resultBuilder
    public enum Builder {
        /// A line with a callable.
        public static func buildExpression<Output, each Input>(
            _ callable: Callable<Output, repeat each Input>
        ) -> [RegisteredFunction] {
            [RegisteredFunction(callable)]
        }
        /// A line with functions that were gathered elsewhere.
        public static func buildExpression(_ functions: [RegisteredFunction]) -> [RegisteredFunction] { functions }
        /// A line with another registry: all its functions.
        public static func buildExpression(_ registry: FunctionRegistry) -> [RegisteredFunction] {
            registry.functions
        }
        /// The functions of all lines, in their order.
        public static func buildBlock(_ parts: [RegisteredFunction]...) -> [RegisteredFunction] { parts.flatMap { $0 } }
        /// An `if` without `else`: no functions where its condition is false.
        public static func buildOptional(_ part: [RegisteredFunction]?) -> [RegisteredFunction] { part ?? [] }
        /// The first branch of an `if` or `switch`.
        public static func buildEither(first: [RegisteredFunction]) -> [RegisteredFunction] { first }
        /// Any other branch of an `if` or `switch`.
        public static func buildEither(second: [RegisteredFunction]) -> [RegisteredFunction] { second }
        /// A loop: the functions of all its rounds.
        public static func buildArray(_ parts: [[RegisteredFunction]]) -> [RegisteredFunction] { parts.flatMap { $0 } }
    }
}
