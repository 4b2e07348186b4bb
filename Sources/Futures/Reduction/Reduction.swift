internal import CProto
import Wire

/// A function whose results are combined to one value, chunk by chunk in the workers.
///
/// ```swift
/// let wordCounts = Reduction("word_counts") { (chunk: RecordChunk) in try count(chunk) } combining: {
///     $0.merge($1, uniquingKeysWith: +)
/// }
/// let registry = FunctionRegistry { wordCounts }
/// let counts = try await pool.reduce(wordCounts, chunks)
/// ```
///
/// What is combined are neighbours, the earlier one on the left: combining has to be associative, `(a · b) · c` the same as
/// `a · (b · c)`. How the elements are parted is not determined.
public struct Reduction<Output: Sendable, each Input: Sendable>: Sendable {
    /// The name under which workers know it. Unique in a registry, where it also takes the name with ":combine" behind it.
    public let name: String

    /// What the elements of a chunk come to.
    package private(set) var chunk: Callable<EncodedPartial<Output>, repeat [each Input]>
    /// What some partial results, neighbours, come to.
    package private(set) var combination: Callable<EncodedPartial<Output>, [EncodedPartial<Output>]>
    package let code: ReductionCode<Output, repeat each Input>

    /// A reduction whose elements are given to a closure.
    ///
    /// - Parameters:
    ///   - name: under which workers know it.
    ///   - body: what is called with each element, or with the elements of several sequences side by side.
    ///   - combining: makes of two results one, in place of the first.
    @inlinable
    public init(
        _ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Output,
        combining combine: @escaping @Sendable (inout Output, Output) throws -> Void
    ) where Output: Codable, repeat each Input: Codable {
        self.init(
            name,
            // Compiled where the reduction is made, where the types are known.
            fold: { (count, column: repeat UnsafePointer<each Input>) in
                var result = try body(repeat (each column)[0])
                for index in 1..<max(1, count) { try combine(&result, body(repeat (each column)[index])) }
                return result
            }, combine)
    }

    /// A reduction of a callable's results.
    ///
    /// - Parameters:
    ///   - name: under which workers know it; not the callable's.
    ///   - callable: what is called with each element. It need not be registered itself.
    ///   - combining: makes of two results one, in place of the first.
    public init(
        _ name: String, _ callable: Callable<Output, repeat each Input>,
        combining combine: @escaping @Sendable (inout Output, Output) throws -> Void
    ) where Output: Codable, repeat each Input: Codable {
        self.init(name, { (input: repeat each Input) in try callable.call(repeat each input) }, combining: combine)
        for codec in callable.errors { errors.append(codec) }
    }

    /// Names a reduction whose code only the worker has: a plug-in that `worker-host --load` opens, or another executable.
    public init(external name: String) where Output: Codable, repeat each Input: Codable {
        self.name = name
        code = ReductionCode(fold: nil, combine: nil, output: ValueCodec())
        chunk = Callable(external: name)
        combination = Callable(external: Self.combinationName(name))
    }

    @usableFromInline
    init(
        _ name: String, fold: @escaping ReductionCode<Output, repeat each Input>.Fold,
        _ combine: @escaping @Sendable (inout Output, Output) throws -> Void
    ) where Output: Codable, repeat each Input: Codable {
        self.name = name
        let code = ReductionCode<Output, repeat each Input>(fold: fold, combine: combine, output: ValueCodec())
        self.code = code
        chunk = Callable(name) { (column: repeat [each Input]) in
            let start = futures_monotonic_nanoseconds()
            let value = try code.fold(repeat each column)
            return try TransportError.catching(.encodingResult, functionName: name) {
                try EncodedPartial(value, code.output, since: start)
            }
        }
        combination = Callable(Self.combinationName(name)) { (partials: [EncodedPartial<Output>]) in
            let start = futures_monotonic_nanoseconds()
            let parts = try TransportError.catching(.decodingArguments, functionName: name) {
                try partials.map { try $0.value(code.output) }
            }
            let value = try code.combine(parts)
            return try TransportError.catching(.encodingResult, functionName: name) {
                try EncodedPartial(value, code.output, since: start)
            }
        }
    }

    private static func combinationName(_ name: String) -> String { name + ":combine" }

    private var errors: [ErrorCodec] {
        get { chunk.errors }
        set {
            chunk.errors = newValue
            combination.errors = newValue
        }
    }

    /// The same reduction, whose errors of type `Failure` arrive at the caller as that very type; see ``Callable/throwing(_:)``.
    public func throwing<Failure: Error & Codable>(_ type: Failure.Type) -> Self {
        var copy = self
        copy.errors.append(ErrorCodec(type))
        return copy
    }
}

extension FunctionRegistry.Builder {
    /// A line with a reduction.
    public static func buildExpression<Output, each Input>(
        _ reduction: Reduction<Output, repeat each Input>
    ) -> [RegisteredFunction] {
        [RegisteredFunction(reduction.chunk), RegisteredFunction(reduction.combination)]
    }
}
