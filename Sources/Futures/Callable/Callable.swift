import Wire

/// A function with a name, which an executor can run elsewhere.
///
/// ```swift
/// let power = Callable("pow") { (base: Int, exponent: Int) -> Int in ... }
/// let future = try pool.submit(power, 323, 1235)
/// ```
///
/// The name is what travels; the types are checked at compile time where you submit and compared once more in the
/// handshake with each worker. Arguments and results are `Codable & Sendable`; numbers, strings, bytes, and arrays and
/// optionals of them take a fast path, chosen once, here.
///
/// The body runs in a worker process, so it must not count on anything that the parent changed at run time. Globals of
/// `main.swift` are set by that file's own statements, which a worker never reaches: keep what a callable needs in
/// another file.
public struct Callable<Output: Sendable, each Input: Sendable>: Sendable {
    /// One of the two, or none: then the code lives in the worker only (a plug-in, another executable).
    package struct Body: Sendable {
        package var synchronous: (@Sendable (repeat each Input) throws -> Output)?
        package var asynchronous: (@Sendable (repeat each Input) async throws -> Output)?
    }

    /// The name under which workers know the function. Unique in a registry.
    public let name: String
    /// The argument and result types, as compared with the worker's.
    public let signature: Signature

    package let body: Body
    /// Calls the body for the elements of a chunk, one after the other, and appends what it returns; what it throws ends that. It
    /// is asked before each element whether to go on.
    ///
    /// Compiled where the callable is made, where its types are known. Here, without them, each element would cost looking
    /// them up, which takes many times as long as the rest.
    @usableFromInline package typealias Loop =
        @Sendable (
            _ indices: Range<Int>, _ begins: (Int) -> Bool, _ values: inout [Output],
            _ column: repeat UnsafePointer<each Input>
        ) throws -> Void
    /// Nil for an asynchronous body, and where there is none.
    package let loop: Loop?
    package let inputs: (repeat ValueCodec<each Input>)
    package let output: ValueCodec<Output>
    package private(set) var errors: [ErrorCodec] = []

    package init(
        name: String, body: Body, loop: Loop? = nil, inputs: (repeat ValueCodec<each Input>),
        output: ValueCodec<Output>
    ) {
        self.name = name
        self.body = body
        self.loop = loop
        self.inputs = inputs
        self.output = output
        signature = Signature(output: Output.self, inputs: repeat (each Input).self)
    }

    /// Names a synchronous function. It is called directly on the worker's main thread.
    @inlinable
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Output)
    where Output: Codable, repeat each Input: Codable {
        self.init(
            name, body,
            loop: { (indices, begins, values, column: repeat UnsafePointer<each Input>) in
                for index in indices {
                    guard begins(index) else { return }
                    values.append(try body(repeat (each column)[index]))
                }
            }, output: ValueCodec())
    }

    @usableFromInline
    init(
        _ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Output, loop: @escaping Loop,
        output: ValueCodec<Output>
    ) where repeat each Input: Codable {
        self.init(
            name: name, body: Body(synchronous: body), loop: loop, inputs: (repeat ValueCodec<each Input>()),
            output: output)
    }

    /// Names an asynchronous function. The worker runs it on its main thread, one task at a time.
    ///
    /// It may use tasks, groups, actors and sleep, but not the main actor: that runs on the worker's main thread, which is
    /// busy with this very call until it ends, so that it would wait for ever.
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) async throws -> Output)
    where Output: Codable, repeat each Input: Codable {
        self.init(
            name: name, body: Body(asynchronous: body), inputs: (repeat ValueCodec<each Input>()), output: ValueCodec())
    }

    /// Names a synchronous function without a result.
    @inlinable
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Void)
    where Output == Void, repeat each Input: Codable {
        self.init(
            name, body,
            loop: { (indices, begins, values, column: repeat UnsafePointer<each Input>) in
                for index in indices {
                    guard begins(index) else { return }
                    values.append(try body(repeat (each column)[index]))
                }
            }, output: .void)
    }

    /// Names an asynchronous function without a result.
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) async throws -> Void)
    where Output == Void, repeat each Input: Codable {
        self.init(
            name: name, body: Body(asynchronous: body), inputs: (repeat ValueCodec<each Input>()), output: .void)
    }

    /// Names a function whose code only the worker has: a plug-in that `worker-host --load` opens, or another
    /// executable.
    ///
    /// ```swift
    /// let count = Callable<Int, String>(external: "count_words")
    /// ```
    public init(external name: String) where Output: Codable, repeat each Input: Codable {
        self.init(name: name, body: Body(), inputs: (repeat ValueCodec<each Input>()), output: ValueCodec())
    }

    /// The same callable, whose errors of type `Failure` arrive at the caller as that very type.
    ///
    /// Any other error arrives as a ``RemoteError``. Only types named here are ever rebuilt from a worker's bytes.
    public func throwing<Failure: Error & Codable>(_ type: Failure.Type) -> Self {
        var copy = self
        copy.errors.append(ErrorCodec(type))
        return copy
    }
}
