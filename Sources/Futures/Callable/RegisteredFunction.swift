import Wire

/// A callable without its types: what a worker needs to run a message.
public struct RegisteredFunction: Sendable {
    /// The name under which callers ask for it.
    public let name: String
    /// Its argument and result types.
    public let signature: Signature

    package let run: @Sendable (inout PayloadDecoder) throws(InvocationFailure) -> Payload
    package let runChunk: @Sendable (ChunkRun, inout PayloadDecoder) throws(InvocationFailure) -> ChunkReply

    /// Erases a callable.
    public init<Output, each Input>(_ callable: Callable<Output, repeat each Input>) {
        name = callable.name
        signature = callable.signature
        let (invocation, errors) = (callable.code.invocation ?? callable.invoke, callable.errors)
        run = { decoder throws(InvocationFailure) in
            var place = FailureDescription.Place.decodingArguments
            do {
                return try invocation(&decoder, &place)
            } catch {
                throw InvocationFailure(error, at: place, errors)
            }
        }
        runChunk = { chunk, decoder throws(InvocationFailure) in try callable.runChunk(chunk, &decoder) }
    }
}

/// A failure with the place where it happened, ready for the wire.
package struct InvocationFailure: Error {
    package var description: FailureDescription
}

extension InvocationFailure {
    /// - Parameter errors: the types of errors that travel as themselves when the body throws them.
    init(_ error: any Error, at place: FailureDescription.Place, _ errors: [ErrorCodec]) {
        // What encodes and decodes in its body did not fail in the user's function.
        let own = (error as? TransportError)?.ofOwnBody
        let (error, place) = (own?.cause ?? error, own?.place ?? place)
        let isInterrupted = place == .running && error is CancellationError && CallInterruption.current.isRequested
        description = FailureDescription(
            error, at: isInterrupted ? .interrupted : place, encodedBy: place == .running ? errors : [])
    }
}

extension Callable {
    /// ``CallableCode/invocation`` for callables that have none of their own.
    @Sendable
    fileprivate func invoke(
        _ decoder: inout PayloadDecoder, _ place: inout FailureDescription.Place
    ) throws -> Payload {
        let arguments = try decodeArguments(&decoder)
        place = .running
        let value = try call(repeat each arguments)
        place = .encodingResult
        var encoder = PayloadEncoder()
        try code.output.encode(value, into: &encoder)
        return encoder.finish()
    }

    func failure(_ error: any Error, at place: FailureDescription.Place) -> InvocationFailure {
        InvocationFailure(error, at: place, errors)
    }
}
