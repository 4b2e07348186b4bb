import Wire

/// Errors that a worker reports: as the message of a failure, with the error itself within; and the way back, from an
/// error whose texts are any bytes.
///
/// The first byte has the limits, and which of both; the second chooses the kind of the message.
enum FailuresTarget: Target {
    static let name = "failures"
    static let longestInput = 16 << 10

    private static let isThrown: UInt8 = 8

    private static let codecs = [ErrorCodec(Refused.self), ErrorCodec(Failed.self), ErrorCodec(Bare.self)]

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        let errors: [any Error] = [
            Refused(reason: "full", code: 3), Failed.below(.input("x")), Failed.output(3), Bare(), Unknown(text: "?"),
        ]
        for error in errors {
            let failure = FailureDescription(error, at: .running, encodedBy: codecs)
            let messages: [Message] = [
                .failure(FailureMessage(id: 1, failure: failure)),
                .chunkResult(
                    ChunkResultMessage(id: 1, count: 3, failures: [ElementFailure(index: 1, failure: failure)])),
            ]
            for (index, message) in messages.enumerated() {
                var buffer = FrameBuffer()
                try buffer.append(message)
                seeds.append([0, UInt8(index)] + buffer.withFirstBytes { Array($0.dropFirst(16)) })
            }
        }
        for choice: UInt8 in 0..<4 { seeds.append([isThrown, choice] + Array("what \u{1F525} went\0wrong".utf8)) }
        return seeds
    }

    static func run(_ input: inout Input) {
        let choice = input.byte()
        let limits = WireLimits.profile(choice)
        let kind = input.byte()
        if choice & isThrown != 0 {
            throwOne(kind, input.bytes)
            return
        }
        switch MessagesTarget.read(kind & 1 == 0 ? .failure : .chunkResult, input.bytes, payload: [], limits) {
        case .failure(let message): read(message.failure, limits)
        case .chunkResult(let message): for element in message.failures { read(element.failure, limits) }
        default: break
        }
    }

    /// Takes the error out, as each type that the caller may have named.
    private static func read(_ failure: FailureDescription, _ limits: WireLimits) {
        guard let payload = failure.payload else { return }
        for codec in codecs {
            let (outcome, memory) = meteredResult { try codec.decode(payload, limits) }
            let most = limits.mostMemory(unpacking: payload.count)
            require(memory <= most, "an error of \(payload.count) bytes took \(memory) bytes; \(most) are enough")
            switch outcome {
            case .failure(let error): check(error)
            case .success(let error): travels(error, codec)
            }
        }
    }

    /// An error that was received can be sent, and arrives as the same.
    private static func travels(_ error: any Error, _ codec: ErrorCodec) {
        // Beyond the depth that the codec's encoder allows an error is told in words only.
        guard let first = codec.encode(error) else { return }
        do {
            let second = codec.encode(try codec.decode(first, .default))
            require(first == second, "an error has changed on its second way")
        } catch {
            broken("an error cannot be decoded that was encoded: \(error)")
        }
    }

    /// An error with any text arrives at the other side, whatever the text.
    private static func throwOne(_ kind: UInt8, _ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let error: any Error =
            switch kind & 3 {
            case 0: Refused(reason: text, code: bytes.count)
            case 1: Failed.below(.below(.input(text)))
            case 2: Failed.output(UInt16(truncatingIfNeeded: bytes.count))
            default: Unknown(text: text)
            }
        let failure = FailureDescription(error, at: .running, encodedBy: codecs)
        require((failure.payload == nil) == (error is Unknown), "an error that was named does not travel")
        do {
            var buffer = FrameBuffer()
            try buffer.append(.failure(FailureMessage(id: 1, failure: failure)))
            let message = buffer.withFirstBytes { Array($0.dropFirst(16)) }
            let arrived = MessagesTarget.read(.failure, message, payload: [], .greatest)
            require(
                arrived == .failure(FailureMessage(id: 1, failure: failure)), "a failure has changed on its way")
            read(failure, .default)
        } catch {
            broken("an error with any text cannot be sent: \(error)")
        }
    }
}

private struct Refused: Error, Codable {
    var reason: String
    var code: Int
}

private indirect enum Failed: Error, Codable {
    case input(String?)
    case output(UInt16)
    case below(Failed)
}

private struct Bare: Error, Codable {}

/// Not named: it is told in words.
private struct Unknown: Error {
    var text: String
}
