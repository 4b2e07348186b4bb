import ArgumentParser
import Glibc

/// What a file is called: any bytes but zero, as the system has it.
struct FileName: Sendable, Hashable {
    /// Without the zero at the end.
    let bytes: [UInt8]

    init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// By a word of ``CommandLineWords``.
    init(_ word: String) { bytes = CommandLineWords.bytes(of: word) }

    /// Nil if it is no text.
    var text: String? { String(validating: bytes, as: UTF8.self) }

    /// For messages.
    var shown: String {
        if let text { return text }
        return CommandLineWords.word(of: bytes).unicodeScalars.reduce(into: "") { shown, scalar in
            if let byte = CommandLineWords.byte(of: scalar) {
                shown += "\\x" + String(byte, radix: 16)
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
    }

    func withPath<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        (bytes + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    }

    /// What the system says about the file; nil with an error number in `errno`.
    var status: stat? {
        var status = stat()
        return withPath { stat($0, &status) } == 0 ? status : nil
    }
}

extension FileName: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// The words of the command line. One that is no UTF-8 becomes a text, too: each byte that is part of none a character of the last
/// 128 for private use (`U+10FF80` and up), and those characters themselves four of them.
enum CommandLineWords {
    private static let base: UInt32 = 0x10FF00

    /// All behind the name of the program.
    static var all: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { word in
                self.word(of: UnsafeRawBufferPointer(start: word, count: strlen(word)))
            }
        }
    }

    static func word(of bytes: some Collection<UInt8>) -> String {
        var word = ""
        var rest = Array(bytes)[...]
        while let first = rest.first {
            let character = (1...4).lazy.compactMap { Self.character(rest.prefix($0)) }.first
            word.unicodeScalars.append(character ?? Unicode.Scalar(base + UInt32(first))!)
            rest.removeFirst(character.map { UTF8.width($0) } ?? 1)
        }
        return word
    }

    /// The character that the bytes are.
    private static func character(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard let text = String(validating: bytes, as: UTF8.self)?.unicodeScalars, text.count == 1,
            let character = text.first, byte(of: character) == nil
        else { return nil }
        return character
    }

    static func bytes(of word: String) -> [UInt8] {
        word.unicodeScalars.flatMap { scalar in byte(of: scalar).map { [$0] } ?? Array(UTF8.encode(scalar)!) }
    }

    static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        scalar.value >= base + 0x80 ? UInt8(truncatingIfNeeded: scalar.value) : nil
    }

    /// - Throws: `ValidationError` for a word that has to be a text and is none.
    static func checkText(_ words: [String]) throws {
        for word in words where word.unicodeScalars.contains(where: { byte(of: $0) != nil }) {
            throw ValidationError("'\(FileName(word).shown)' is not UTF-8, which only the names of files need not be")
        }
    }
}
