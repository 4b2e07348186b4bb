import Wire

/// What can be done with a callable, in the forms in which it is needed.
///
/// A class, so that a ``Callable`` is of one size: what is compiled for callables of all types would look up their layout in
/// each of its steps. For the same reason the parts of a call's way are compiled where a synchronous callable is made, where its
/// types are known (docs/decisions/specialised-loops.md). Other callables lack them.
@usableFromInline
package final class CallableCode<Output: Sendable, each Input: Sendable>: Sendable {
    /// One of the two, or none: then the code lives in the worker only (a plug-in, another executable).
    package struct Body: Sendable {
        package var synchronous: (@Sendable (repeat each Input) throws -> Output)?
        package var asynchronous: (@Sendable (repeat each Input) async throws -> Output)?
    }

    /// Calls the body for the elements of a chunk, one after the other, and appends what it returns; what it throws ends that. It
    /// is asked before each element whether to go on.
    @usableFromInline package typealias Loop =
        @Sendable (
            _ indices: Range<Int>, _ begins: (Int) -> Bool, _ values: inout [Output],
            _ column: repeat UnsafePointer<each Input>
        ) throws -> Void

    /// Takes the arguments out of a payload, calls the body, and makes a payload of what it returns; `place` is where it has come
    /// to when it throws.
    @usableFromInline package typealias Invocation =
        @Sendable (inout PayloadDecoder, _ place: inout FailureDescription.Place) throws -> Payload

    /// Makes a payload of arguments.
    @usableFromInline package typealias Encoding = @Sendable (repeat each Input) throws -> Payload

    package let body: Body
    package let loop: Loop?
    package let invocation: Invocation?
    package let encoding: Encoding?
    package let output: ValueCodec<Output>
    /// To make a future and a job without looking up their types.
    let futureType = Future<Output>.self
    let jobType = CallJob<Output>.self
    // The last, since its size depends on the types.
    package let inputs: (repeat ValueCodec<each Input>)

    init(
        body: Body, loop: Loop? = nil, invocation: Invocation? = nil, encoding: Encoding? = nil,
        inputs: (repeat ValueCodec<each Input>), output: ValueCodec<Output>
    ) {
        self.body = body
        self.loop = loop
        self.invocation = invocation
        self.encoding = encoding
        self.inputs = inputs
        self.output = output
    }

    // Not methods of the callable: one of a structure with packs is given its type, which is looked up for each call.

    /// A payload of the arguments of a call.
    package func encodeArguments(_ argument: repeat each Input) throws -> Payload {
        if let encoding { return try encoding(repeat each argument) }
        var encoder = PayloadEncoder()
        for (codec, value) in repeat (each inputs, each argument) {
            try codec.encode(value, into: &encoder)
        }
        return encoder.finish()
    }

    /// One column for each argument: the elements of a chunk.
    package func encodeColumns(_ column: repeat [each Input]) throws -> Payload {
        var encoder = PayloadEncoder()
        for (codec, values) in repeat (each inputs, each column) {
            try codec.encodeColumn(values, into: &encoder)
        }
        return encoder.finish()
    }
}
