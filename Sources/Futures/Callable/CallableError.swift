/// Why a callable cannot be run as asked.
public enum CallableError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Two callables in one registry have the same name.
    case duplicate(name: String, first: Signature, second: Signature)
    /// The executor's registry has no function of that name.
    case notRegistered(name: String, signature: Signature, registered: [String])
    /// The worker has no function of that name.
    case missing(name: String, signature: Signature, worker: String, registered: [String])
    /// The worker's function of that name has other argument or result types.
    case signatureMismatch(name: String, ours: Signature, theirs: Signature, worker: String)
    /// The callable was made with `external:`; its code is in the workers only.
    case external(name: String)

    /// What is wrong, with the names and signatures that matter, and what to do.
    public var description: String {
        switch self {
        case .duplicate(let name, let first, let second):
            return "two callables are named \"\(name)\" in one registry: \(first) and \(second); names must be unique"
        case .notRegistered(let name, let signature, let registered):
            return """
                the function "\(name)" \(signature) is not in this executor's registry, which has \(list(registered)); \
                add the callable to the FunctionRegistry that both the executor and WorkerProcess.runIfSpawned get
                """
        case .missing(let name, let signature, let worker, let registered):
            return """
                \(worker) does not have the function "\(name)" \(signature); it has \(list(registered)). \
                Is the worker built from the same sources, and is the callable in its registry?
                """
        case .signatureMismatch(let name, let ours, let theirs, let worker):
            return """
                the function "\(name)" is \(ours) here but \(theirs) in \(worker); \
                build both from the same declaration
                """
        case .external(let name):
            return "the function \"\(name)\" is declared external: its code is in worker processes only"
        }
    }

    private func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "no functions" }
        let shown = names.sorted().prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
        return names.count > 20 ? "\(shown) and \(names.count - 20) more" : shown
    }
}
