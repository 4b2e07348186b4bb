import Wire

/// A callable without its types: what a worker needs to run a message.
public struct RegisteredFunction: Sendable {
    /// The name under which callers ask for it.
    public let name: String
    /// Its argument and result types.
    public let signature: Signature

    package let run: @Sendable (inout PayloadDecoder) throws(InvocationFailure) -> Payload
    package let runChunk: @Sendable (Int, inout PayloadDecoder) throws(InvocationFailure) -> ChunkReply

    /// Erases a callable.
    public init<Output, each Input>(_ callable: Callable<Output, repeat each Input>) {
        name = callable.name
        signature = callable.signature
        run = { decoder throws(InvocationFailure) in try callable.run(&decoder) }
        runChunk = { count, decoder throws(InvocationFailure) in try callable.runChunk(count, &decoder) }
    }
}

/// What a worker answers to a chunk: a column of the results, and the elements that failed.
package struct ChunkReply: Sendable {
    package var payload: Payload
    package var failures: [ElementFailure]
}

/// A failure with the place where it happened, ready for the wire.
package struct InvocationFailure: Error {
    package var description: FailureDescription
}

extension Callable {
    fileprivate func run(_ decoder: inout PayloadDecoder) throws(InvocationFailure) -> Payload {
        let arguments: (repeat each Input)
        do {
            arguments = try decodeArguments(&decoder)
        } catch {
            throw failure(error, at: .decodingArguments)
        }
        let value: Output
        do {
            value = try call(repeat each arguments)
        } catch {
            throw failure(error, at: .running)
        }
        do {
            var encoder = PayloadEncoder()
            try output.encode(value, into: &encoder)
            return encoder.finish()
        } catch {
            throw failure(error, at: .encodingResult)
        }
    }

    fileprivate func runChunk(_ count: Int, _ decoder: inout PayloadDecoder) throws(InvocationFailure) -> ChunkReply {
        let (values, failures): ([Output], [(index: Int, error: any Error)])
        do {
            (values, failures) = try callElements(count: count, &decoder)
        } catch {
            throw failure(error, at: .decodingArguments)
        }
        var elements = failures.map {
            ElementFailure(index: UInt32($0.index), failure: failure($0.error, at: .running).description)
        }
        do {
            var encoder = PayloadEncoder()
            try output.encodeColumn(values, into: &encoder)
            return ChunkReply(payload: encoder.finish(), failures: elements)
        } catch {
            return try encodeOneByOne(values, count: count, &elements)
        }
    }

    /// The slow way, taken when a column does not encode: finds the guilty elements and keeps the others.
    private func encodeOneByOne(
        _ values: [Output], count: Int, _ elements: inout [ElementFailure]
    ) throws(InvocationFailure) -> ChunkReply {
        let failed = Set(elements.map(\.index))
        let indices = (0..<UInt32(count)).filter { !failed.contains($0) }
        var kept: [Output] = []
        for (index, value) in zip(indices, values) {
            do {
                var encoder = PayloadEncoder()
                try output.encode(value, into: &encoder)
                kept.append(value)
            } catch {
                elements.append(ElementFailure(index: index, failure: failure(error, at: .encodingResult).description))
            }
        }
        elements.sort { $0.index < $1.index }
        do {
            var encoder = PayloadEncoder()
            try output.encodeColumn(kept, into: &encoder)
            return ChunkReply(payload: encoder.finish(), failures: elements)
        } catch {
            throw failure(error, at: .encodingResult)
        }
    }

    private func failure(_ error: any Error, at place: FailureDescription.Place) -> InvocationFailure {
        InvocationFailure(
            description: FailureDescription(error, at: place, encodedBy: place == .running ? errors : []))
    }
}
