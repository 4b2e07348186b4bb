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

    /// By the function's types, as its worker tells them; nil if they are none of those.
    init?(_ function: WorkerFunction) {
        for input in Self.inputs {
            for output in Self.outputs {
                for takesArgument in [false, true]
                where Self.signature(input, output, takesArgument) == function.signature {
                    name = function.name
                    (self.input, self.output, self.takesArgument) = (input, output, takesArgument)
                    return
                }
            }
        }
        return nil
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
        let inputs = inputs.map { readable(String(reflecting: $0)) }.joined(separator: ", ")
        let outputs = outputs.map { readable(String(reflecting: $0)) }.joined(separator: ", ")
        return "a function takes one of \(inputs), and perhaps a String besides, and returns one of \(outputs)"
    }
}
