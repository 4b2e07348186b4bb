/// What some elements of a reduction come to.
protocol ReductionPartial: Sendable {
    /// How long it took, in nanoseconds.
    var runTime: Int64 { get }
    /// How many bytes it has, where it is encoded.
    var byteCount: Int { get }
}

/// In this process.
struct LocalPartial<Output: Sendable>: ReductionPartial {
    let value: Output
    let runTime: Int64
    var byteCount: Int { 0 }
}

/// The parts of a reduction, each a call for the elements of a chunk.
final class ReductionPartType<Partial: ReductionPartial>: MapResultType, @unchecked Sendable {
    override func measurement(of part: MapPart) -> PartMeasurement? {
        guard let partial = try? unsafeDowncast(part.future, to: Future<Partial>.self).outcome() else { return nil }
        return PartMeasurement(runTime: partial.runTime, resultBytes: partial.byteCount)
    }

    override func reader(of part: MapPart) -> MapPartReader { ReductionPartReader<Partial>(part) }

    override func failuresOfUncancelled(_ part: MapPart) -> PartFailures {
        PartFailures(failed: part.future.phase == .returned ? 0 : part.count)
    }
}

/// Hands out what the elements of a part have come to.
final class ReductionPartReader<Partial: ReductionPartial>: MapPartReader, @unchecked Sendable {
    private let outcome: Result<Partial, any Error>

    init(_ part: MapPart) {
        outcome = Result { try unsafeDowncast(part.future, to: Future<Partial>.self).outcome() }
        super.init(left: part.count, failureCount: part.future.phase == .returned ? 0 : part.count)
    }

    /// - Returns: how many elements that were.
    func take(_ outcome: inout Result<Partial, any Error>?) -> Int {
        outcome = self.outcome
        return takeAll()
    }
}
