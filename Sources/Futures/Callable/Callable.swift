import Wire

/// A function with a name, which an executor can run elsewhere.
///
/// ```swift
/// let power = Callable("pow") { (base: Int, exponent: Int) -> Int in ... }
/// let future = try pool.submit(power, 3, 20)
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
    /// The name under which workers know the function. Unique in a registry.
    public let name: String
    /// The argument and result types, as compared with the worker's.
    public let signature: Signature

    package let code: CallableCode<Output, repeat each Input>
    package var errors: [ErrorCodec] = []

    @usableFromInline package typealias Loop = CallableCode<Output, repeat each Input>.Loop
    @usableFromInline package typealias Invocation = CallableCode<Output, repeat each Input>.Invocation
    @usableFromInline package typealias Encoding = CallableCode<Output, repeat each Input>.Encoding

    init(name: String, code: CallableCode<Output, repeat each Input>) {
        self.name = name
        self.code = code
        signature = Signature(output: Output.self, inputs: repeat (each Input).self)
    }

    /// Names a synchronous function. It is called directly on the worker's main thread.
    @inlinable
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Output)
    where Output: Codable, repeat each Input: Codable {
        self.init(name, synchronous: body, output: ValueCodec())
    }

    /// What is compiled where the callable is made.
    @inlinable @inline(__always)
    init(
        _ name: String, synchronous body: @escaping @Sendable (repeat each Input) throws -> Output,
        output: ValueCodec<Output>
    ) where repeat each Input: Codable {
        let inputs = (repeat ValueCodec<each Input>())
        self.init(
            name, body,
            loop: { (indices, begins, values, column: repeat UnsafePointer<each Input>) in
                for index in indices {
                    guard begins(index) else { return }
                    values.append(try body(repeat (each column)[index]))
                }
            },
            invocation: { decoder, place in
                let arguments = (repeat try (each inputs).decode(from: &decoder))
                try decoder.finish()
                place = .running
                let value = try body(repeat each arguments)
                place = .encodingResult
                var encoder = PayloadEncoder()
                try output.encode(value, into: &encoder)
                return encoder.finish()
            },
            encoding: { (argument: repeat each Input) in
                var encoder = PayloadEncoder()
                repeat try (each inputs).encode(each argument, into: &encoder)
                return encoder.finish()
            }, output: output)
    }

    @usableFromInline
    init(
        _ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Output, loop: @escaping Loop,
        invocation: @escaping Invocation, encoding: @escaping Encoding, output: ValueCodec<Output>
    ) where repeat each Input: Codable {
        self.init(
            name: name,
            code: CallableCode(
                body: .init(synchronous: body), loop: loop, invocation: invocation, encoding: encoding,
                inputs: (repeat ValueCodec<each Input>()), output: output))
    }

    /// Names an asynchronous function. The worker runs it on its main thread, one task at a time.
    ///
    /// It may use tasks, groups, actors and sleep, but not the main actor: that runs on the worker's main thread, which is
    /// busy with this very call until it ends, so that it would wait for ever.
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) async throws -> Output)
    where Output: Codable, repeat each Input: Codable {
        self.init(
            name: name,
            code: CallableCode(
                body: .init(asynchronous: body), inputs: (repeat ValueCodec<each Input>()), output: ValueCodec()))
    }

    /// Names a synchronous function without a result.
    @inlinable
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) throws -> Void)
    where Output == Void, repeat each Input: Codable {
        self.init(name, synchronous: body, output: .void)
    }

    /// Names an asynchronous function without a result.
    public init(_ name: String, _ body: @escaping @Sendable (repeat each Input) async throws -> Void)
    where Output == Void, repeat each Input: Codable {
        self.init(
            name: name,
            code: CallableCode(
                body: .init(asynchronous: body), inputs: (repeat ValueCodec<each Input>()), output: .void))
    }

    /// Names a function whose code only the worker has: a plug-in that `worker-host --load` opens, or another
    /// executable.
    ///
    /// ```swift
    /// let count = Callable<Int, String>(external: "count_words")
    /// ```
    public init(external name: String) where Output: Codable, repeat each Input: Codable {
        self.init(
            name: name,
            code: CallableCode(body: .init(), inputs: (repeat ValueCodec<each Input>()), output: ValueCodec()))
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
