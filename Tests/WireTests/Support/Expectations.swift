import Testing

// Like #expect, for what belongs to a noncopyable value: the macro would copy that.

func expectEqual<T: Equatable>(
    _ found: T, _ expected: T, _ comment: @autoclosure () -> Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found == expected, comment(), sourceLocation: sourceLocation)
}

func expectAtMost<T: Comparable>(
    _ found: T, _ most: T, _ comment: @autoclosure () -> Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found <= most, comment(), sourceLocation: sourceLocation)
}
