import Glibc
import TestSupport
import Testing

@testable import WorkerHost

@Suite struct RegularExpressionTests {
    /// Whether the text matches where characters are what the locale says.
    private func matches(_ text: String, _ pattern: String, in locale: String) throws -> Bool {
        let locale = try #require(newlocale(1 << LC_CTYPE, locale, nil))
        defer { freelocale(locale) }
        let before = uselocale(locale)
        defer { uselocale(before) }
        var compiled = regex_t()
        try #require(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0)
        defer { regfree(&compiled) }
        return regexec(&compiled, text, 0, nil, 0) == 0
    }

    @Test(
        "patterns of which it is said that bytes do find the same texts with bytes",
        arguments: [
            "a", "^a.*b$", "(.*)*b", "a[0-9]+", "[^a]*b", "^[^a]*$", "^(.*b){2}$", "a\\.b|b?a", "[]ab]b",
            "(a|b.*){1,2}a$", "^$", "a*b*$",
            ".*", "\\[a", "a[*.]",
        ])
    func bytes(pattern: String) throws {
        #expect(RegularExpression.meansTheSameInBytes(pattern))
        let characters = Array("aab0.[]éü€😀")
        for _ in 0..<300 {
            let text = String(
                (0..<Int.random(in: 0...6)).map { _ in characters.randomElement()! })
            let (bytes, characters) = (try matches(text, pattern, in: "C"), try matches(text, pattern, in: "C.UTF-8"))
            #expect(bytes == characters, "'\(text)'")
        }
    }

    @Test(
        "of others it is not",
        arguments: [
            "^.$", ".+", "a.?b", "[^a]", "[^a]+", "é", "[é]", "[[:alpha:]]", "\\w", "\\W*", "(.)\\1", "[a", "[", "[^",
            "a\\", "[a[.b.]]", "[^]",
        ])
    func characters(pattern: String) { #expect(!RegularExpression.meansTheSameInBytes(pattern)) }
}
