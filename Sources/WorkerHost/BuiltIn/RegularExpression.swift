import Glibc

/// An extended regular expression of POSIX.1 (regcomp(3)), which is part of the C library.
///
/// `@unchecked Sendable` it is not: made for each call, since compiling one takes microseconds.
final class RegularExpression {
    private var compiled = regex_t()

    /// What characters are, as the environment says it, and grep(1) takes it; in the C locale each byte is one.
    private static let hasLocale: Bool = setlocale(LC_CTYPE, "") != nil

    init(_ pattern: String) throws {
        _ = Self.hasLocale
        let result = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)
        guard result == 0 else {
            var text = [CChar](repeating: 0, count: 256)
            regerror(result, &compiled, &text, text.count)
            let words = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw PatternError(pattern: pattern, words: words)
        }
    }

    deinit { regfree(&compiled) }

    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return regexec(&compiled, "", 0, nil, 0) == 0 }
        // The record's bytes where they are, whatever is behind them.
        var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(clamping: text.count))
        return regexec(&compiled, base.assumingMemoryBound(to: CChar.self), 1, &range, REG_STARTEND) == 0
    }
}

/// A pattern is not one.
struct PatternError: Error, CustomStringConvertible {
    let pattern: String
    let words: String
    var description: String { "'\(pattern)' is no regular expression: \(words)" }
}
