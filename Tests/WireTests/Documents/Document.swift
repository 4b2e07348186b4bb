import Glibc

/// docs/wire-protocol.md, and the parts of it that tests compare with the code.
struct Document {
    private let lines: [String]

    init() throws {
        // This file is Tests/WireTests/Documents/Document.swift of the package.
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let path = "/\(root)/docs/wire-protocol.md"
        guard let file = fopen(path, "r") else { throw DocumentError(text: "\(path) cannot be read") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
    }

    /// Bytes that the document shows, and who sends them: `>` the parent, `<` the worker, `-` nobody.
    struct Frame {
        var sender: Character
        var bytes: [UInt8]
    }

    /// The frames of the block that begins with "```hex NAME": lines of a sender, hexadecimal bytes, and after two blanks
    /// a remark. An empty line ends a frame.
    func frames(_ name: String) throws -> [Frame] {
        guard let start = lines.firstIndex(of: "```hex \(name)") else {
            throw DocumentError(text: "there is no block \"hex \(name)\"")
        }
        var frames: [Frame] = []
        var isNew = true
        for line in lines[(start + 1)...] {
            if line == "```" { return frames }
            guard let sender = line.first else {
                isNew = true
                continue
            }
            if isNew { frames.append(Frame(sender: sender, bytes: [])) }
            isNew = false
            for word in line.dropFirst(2).split(separator: " ", omittingEmptySubsequences: false) {
                if word.isEmpty { break }
                guard word.count == 2, let byte = UInt8(word, radix: 16) else {
                    throw DocumentError(text: "\"\(word)\" is no byte: \(line)")
                }
                frames[frames.count - 1].bytes.append(byte)
            }
        }
        throw DocumentError(text: "the block \"hex \(name)\" has no end")
    }

    /// The cells of the table with that head.
    func rows(after head: String) throws -> [[String]] {
        guard let start = lines.firstIndex(of: head) else { throw DocumentError(text: "there is no table \(head)") }
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
        }
    }
}

struct DocumentError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
