import Wire

/// One type of values: how to take it from a payload, and that what was taken can be sent again.
struct Shape {
    let name: String
    /// Takes one value, or a column of `count`. What it returns checks that the value travels on unchanged.
    let take: (_ decoder: inout PayloadDecoder, _ count: Int?, _ limits: WireLimits) throws -> () throws -> Void
    /// Payloads of the type, as our own encoder makes them: of one value, and of a column.
    let seeds: () throws -> [(payload: Payload, count: Int?)]

    /// - Parameters:
    ///   - samples: values for the seeds. Made when they are asked for: the leak detector does not see what an enum in
    ///     a global variable holds.
    ///   - areSame: whether two values are equal, for types whose values have several encodings; by default the encodings
    ///     are compared.
    init<T>(
        _ codec: ValueCodec<T>, _ samples: @autoclosure @escaping () -> [T],
        areSame: ((T, T) -> Bool)? = nil
    ) {
        name = "\(T.self)"
        take = { decoder, count, limits in
            // Depth is the only limit that the encoder has; the others may be less than a value takes in another form.
            var limitsOfSame = WireLimits.greatest
            limitsOfSame.maxDepth = limits.maxDepth
            let values: [T]
            if let count {
                values = try codec.decodeColumn(count: count, from: &decoder)
                require(values.count == count, "a column has \(values.count) elements and not \(count)")
            } else {
                values = [try codec.decode(from: &decoder)]
            }
            return {
                let first = try encoded(values, codec, isColumn: count != nil, limitsOfSame)
                let again = try decoded(first, codec, count: count, limitsOfSame)
                if let areSame {
                    require(
                        values.count == again.count && zip(values, again).allSatisfy(areSame),
                        "\(T.self) has changed on its way: \(values), \(again)")
                } else {
                    let second = try encoded(again, codec, isColumn: count != nil, limitsOfSame)
                    require(first == second, "\(T.self) has changed on its second way: \(first), \(second)")
                }
            }
        }
        seeds = {
            var seeds: [(payload: Payload, count: Int?)] = []
            let samples = samples()
            for sample in samples { seeds.append((try encoded([sample], codec, isColumn: false, .default), nil)) }
            seeds.append((try encoded(samples, codec, isColumn: true, .default), samples.count))
            return seeds
        }
    }

    init<T: Codable>(
        _ samples: @autoclosure @escaping () -> [T],
        areSame: ((T, T) -> Bool)? = nil
    ) {
        self.init(ValueCodec<T>(), samples(), areSame: areSame)
    }

    /// Takes a value, and checks what holds of it and of the error.
    func check(_ decoder: inout PayloadDecoder, count: Int?, limits: WireLimits, memoryLimit: Int) -> Bool {
        do {
            // The meter counts what decoding takes, not what sending again does.
            let (outcome, memory) = meteredResult { try take(&decoder, count, limits) }
            require(memory <= memoryLimit, "\(name) took \(memory) bytes; \(memoryLimit) are enough")
            let sendAgain = try outcome.get()
            do {
                try sendAgain()
            } catch {
                broken("\(name) was received and cannot be sent: \(error)")
            }
            return true
        } catch {
            Fuzz.check(error)
            return false
        }
    }
}

private func encoded<T>(
    _ values: [T], _ codec: ValueCodec<T>, isColumn: Bool, _ limits: WireLimits
) throws -> Payload {
    var encoder = PayloadEncoder(limits: limits)
    if isColumn { try codec.encodeColumn(values, into: &encoder) } else { try codec.encode(values[0], into: &encoder) }
    return encoder.finish()
}

private func decoded<T>(
    _ payload: Payload, _ codec: ValueCodec<T>, count: Int?, _ limits: WireLimits
) throws -> [T] {
    var decoder = try PayloadDecoder(payload: payload, limits: limits)
    let values: [T]
    if let count {
        values = try codec.decodeColumn(count: count, from: &decoder)
    } else {
        values = [try codec.decode(from: &decoder)]
    }
    try decoder.finish()
    return values
}

/// As `metered`, for what throws.
func meteredResult<R>(_ body: () throws -> R) -> (result: Result<R, any Error>, memory: Int) {
    metered { Result(catching: body) }
}
