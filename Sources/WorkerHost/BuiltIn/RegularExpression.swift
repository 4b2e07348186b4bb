import Glibc

/// An extended regular expression of POSIX.1 (regcomp(3)), which is part of the C library.
///
/// `@unchecked Sendable` it is not: made for each call, since compiling one takes microseconds.
final class RegularExpression {
    private var compiled = regex_t()

    /// What characters are, as the environment says it, and grep(1) takes it; in the C locale each byte is one.
    private static let hasLocale: Bool = setlocale(LC_CTYPE, "") != nil
    nonisolated(unsafe) private static let cLocale = newlocale(1 << LC_CTYPE, "C", nil)

    init(_ pattern: String) throws {
        _ = Self.hasLocale
        // Two to four times as fast.
        let before = Self.meansTheSameInBytes(pattern) ? Self.cLocale.map { uselocale($0) } : nil
        defer { if let before { uselocale(before) } }
        let result = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)
        guard result == 0 else {
            var text = [CChar](repeating: 0, count: 256)
            regerror(result, &compiled, &text, text.count)
            let words = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw PatternError(pattern: pattern, words: words)
        }
    }

    /// Whether a text of UTF-8 matches if and only if its bytes do, as far as that is easily seen: where what stands for a character
    /// stands for one of ASCII, or for any number of others. What is around those is ASCII, so that no character is divided.
    static func meansTheSameInBytes(_ pattern: String) -> Bool {
        var rest = Array(pattern.utf8)[...]
        func isByte(_ byte: UInt8?, _ scalar: Unicode.Scalar) -> Bool { byte == UInt8(ascii: scalar) }
        while let byte = rest.popFirst() {
            switch byte {
            case 0x80...: return false
            case UInt8(ascii: "."):
                guard isByte(rest.first, "*") else { return false }
            case UInt8(ascii: "\\"):
                // Digits mean what was found, letters mean kinds of characters.
                guard let next = rest.popFirst(), next < 0x80, !Character(Unicode.Scalar(next)).isLetter,
                    !Character(Unicode.Scalar(next)).isNumber
                else { return false }
            case UInt8(ascii: "["):
                let isNegated = isByte(rest.first, "^")
                if isNegated { rest.removeFirst() }
                // At the beginning it is one of the characters.
                guard let first = rest.popFirst(), first < 0x80, first != byte,
                    let end = rest.firstIndex(of: UInt8(ascii: "]")),
                    rest[..<end].allSatisfy({ $0 < 0x80 && $0 != byte })
                else { return false }
                rest = rest[(end + 1)...]
                if isNegated, !isByte(rest.first, "*") { return false }
            default: break
            }
        }
        return true
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
