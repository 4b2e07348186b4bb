import Testing
import Wire

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

/// An error is a sentence. What passes the checks before, protobuf-c has to unpack, within the memory that they found.
func expectClear(
    _ error: WireError, _ comment: @autoclosure () -> Comment, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(error.description.hasSuffix("."), comment(), sourceLocation: sourceLocation)
    #expect(!error.description.contains("protobuf cannot"), comment(), sourceLocation: sourceLocation)
}
