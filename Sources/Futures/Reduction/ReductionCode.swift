import Wire

/// What a reduction does, in this process.
@usableFromInline
package final class ReductionCode<Output: Sendable, each Input: Sendable>: Sendable {
    /// Calls the body for so many elements, at least one, and combines what it returns.
    @usableFromInline package typealias Fold =
        @Sendable (_ count: Int, _ column: repeat UnsafePointer<each Input>) throws -> Output

    /// Nil if the code lives in the worker only.
    private let foldColumns: Fold?
    private let combinePair: (@Sendable (inout Output, Output) throws -> Void)?
    let output: ValueCodec<Output>

    init(
        fold: Fold?, combine: (@Sendable (inout Output, Output) throws -> Void)?, output: ValueCodec<Output>
    ) {
        foldColumns = fold
        combinePair = combine
        self.output = output
    }

    /// What the elements come to.
    ///
    /// - Throws: what the body and the combining throw; ``ReductionError`` for columns that make no chunk.
    func fold(_ column: repeat [each Input]) throws -> Output {
        guard let foldColumns else { throw ReductionError.external }
        var count: Int?
        for elements in repeat each column {
            // From another process, perhaps.
            guard elements.count == count ?? elements.count else { throw ReductionError.columnsDiffer }
            count = elements.count
        }
        guard let count, count > 0 else { throw ReductionError.empty }
        // The elements of an array stay where they are as long as somebody holds the array and nobody changes it.
        return try withExtendedLifetime((repeat each column)) {
            try foldColumns(count, repeat (each column).withUnsafeBufferPointer { $0.baseAddress! })
        }
    }

    /// What the values come to, in their order.
    ///
    /// - Throws: what the combining throws; ``ReductionError`` for no values.
    func combine(_ values: [Output]) throws -> Output {
        guard let combinePair else { throw ReductionError.external }
        guard var result = values.first else { throw ReductionError.empty }
        for value in values.dropFirst() { try combinePair(&result, value) }
        return result
    }
}

/// A message asks for a reduction of something that cannot be reduced.
enum ReductionError: Error, CustomStringConvertible {
    case external, empty, columnsDiffer, partialTooShort

    var description: String {
        switch self {
        case .external: "the code of this reduction is in its workers only"
        case .empty: "there is nothing to combine"
        case .columnsDiffer: "the arguments of a chunk are not equally many"
        case .partialTooShort: "a partial result is too short to be one"
        }
    }
}
