import Glibc

/// A call to the operating system that failed.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call's name, as in its manual page.
    public let call: String
    /// The error number, as in errno(3).
    public let number: Int32
    /// What the call was for; may be empty.
    public let context: String

    package init(call: String, number: Int32, context: String = "") {
        self.call = call
        self.number = number
        self.context = context
    }

    /// What the call was for, the system's text for the error, and the call's name.
    public var description: String {
        let text = String(cString: strerror(number))
        return context.isEmpty ? "\(call) failed: \(text)" : "\(context): \(text) (\(call))"
    }

    /// Passes on a shim's result, or throws its negated error number.
    @discardableResult
    package static func check(_ result: Int32, _ call: String, context: String = "") throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(call: call, number: -result, context: context) }
        return result
    }
}
