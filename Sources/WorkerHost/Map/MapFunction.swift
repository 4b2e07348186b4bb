import Futures

/// A function of a worker as a map of the shell sees it: what is it given, and what does it give?
struct MapFunction {
    let name: String
    let input: any ShellInput.Type
    let output: any ShellOutput.Type
    /// Whether it takes a text besides.
    let takesArgument: Bool

    private static let inputs: [any ShellInput.Type] = [String.self, [String].self, [UInt8].self, RecordChunk.self]
    private static let outputs: [any ShellOutput.Type] = [
        String.self, [String].self, [UInt8].self, Int.self, [Int].self, Double.self, [Double].self, Bool.self,
        String?.self, [String]?.self, [UInt8]?.self, Int?.self, Double?.self,
    ]

    enum Use {
        case mappable(MapFunction)
        /// Its types are none of those.
        case other

        var isMappable: Bool {
            if case .mappable = self { return true }
            return false
        }
    }

    /// By the function's types, as its worker tells them.
    static func use(of function: WorkerFunction) -> Use {
        for input in inputs {
            for output in outputs {
                for takesArgument in [false, true] where signature(input, output, takesArgument) == function.signature {
                    return .mappable(
                        MapFunction(
                            name: function.name, input: input, output: output, takesArgument: takesArgument))
                }
            }
        }
        return .other
    }

    private static func signature<Input: ShellInput, Output: ShellOutput>(
        _: Input.Type, _: Output.Type, _ takesArgument: Bool
    ) -> Signature {
        takesArgument
            ? Callable<Output, Input, String>(external: "").signature
            : Callable<Output, Input>(external: "").signature
    }

    /// What can be mapped, for people.
    static var types: String {
        let inputs = inputs.map { Self.text($0) }.joined(separator: ", ")
        let outputs = outputs.map { Self.text($0) }.joined(separator: ", ")
        return "a function takes one of \(inputs), and perhaps a String besides, and returns one of \(outputs)"
    }

    private static func text(_ type: Any.Type) -> String {
        String(describing: type)
            .replacing(/Array<([^<>]*)>/) { "[\($0.1)]" }
            .replacing(/Optional<([^<>]*)>/) { "\($0.1)?" }
    }
}
