/// The argument and result types of a callable, as both sides of a wire compare them in the handshake.
///
/// Two callables match when their names and their signature texts match. The text is made of fully qualified type
/// names, `(Swift.Int, Swift.Int) -> Swift.Bool`; whether the body is async or throws does not matter to a caller,
/// so it is no part of it.
public struct Signature: Sendable, Hashable, CustomStringConvertible {
    /// The types, spelled out with their modules.
    public let description: String
    /// 64-bit FNV-1a of `description` in UTF-8 (draft-eastlake-fnv): stable between processes, unlike `Hasher`.
    public let fingerprint: UInt64

    package init(_ description: String) {
        self.description = description
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in description.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        fingerprint = hash
    }

    package init<Output, each Input>(output: Output.Type, inputs: repeat (each Input).Type) {
        var names: [String] = []
        for input in repeat each inputs {
            names.append(String(reflecting: input))
        }
        self.init("(\(names.joined(separator: ", "))) -> \(String(reflecting: output))")
    }
}
