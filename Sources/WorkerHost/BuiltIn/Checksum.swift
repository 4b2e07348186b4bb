import Crypto
import Futures

/// The SHA-256 of the bytes, in hexadecimal. Of a whole file also its name, as sha256sum(1) writes it, so that `sha256sum --check`
/// reads it; `-` where the bytes came through this program.
func sha256Line(_ chunk: RecordChunk) throws -> String {
    let digest = try chunk.withBytes { bytes in
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return hash.finalize()
    }
    let sum = digest.reduce(into: "") { text, byte in
        if byte < 16 { text += "0" }
        text += String(byte, radix: 16)
    }
    guard chunk.format == .whole else { return sum }
    guard case .piece(let piece) = chunk.content else { return "\(sum)  -" }
    var name = ""
    for scalar in piece.path.unicodeScalars {
        switch scalar {
        case "\\": name += "\\\\"
        case "\n": name += "\\n"
        case "\r": name += "\\r"
        default: name.unicodeScalars.append(scalar)
        }
    }
    return (name == piece.path ? "" : "\\") + "\(sum)  \(name)"
}
