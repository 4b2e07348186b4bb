import Synchronization

/// The functions that a pool's callers may name, numbered.
final class FunctionTable: Sendable {
    private let fixed: [String: PoolFunction]?
    private let found = Mutex<[String: PoolFunction]>([:])

    /// A table of a registry's functions; of the external one, of whatever is asked for.
    init(_ registry: FunctionRegistry) {
        guard !registry.isExternal else {
            fixed = nil
            return
        }
        var table: [String: PoolFunction] = [:]
        for (index, function) in registry.functions.enumerated() {
            table[function.name] = PoolFunction(index: index, name: function.name, signature: function.signature)
        }
        fixed = table
    }

    func find(_ name: String, _ signature: Signature) throws(CallableError) -> PoolFunction {
        guard let fixed else { return try findOrAdd(name, signature) }
        guard let function = fixed[name] else {
            throw .notRegistered(name: name, signature: signature, registered: Array(fixed.keys))
        }
        return try check(function, signature, "this executor's registry")
    }

    private func findOrAdd(_ name: String, _ signature: Signature) throws(CallableError) -> PoolFunction {
        let function = found.withLock { found in
            if let function = found[name] { return function }
            let function = PoolFunction(index: found.count, name: name, signature: signature)
            found[name] = function
            return function
        }
        return try check(function, signature, "an earlier call on this executor")
    }

    private func check(
        _ function: PoolFunction, _ signature: Signature, _ whose: String
    ) throws(CallableError) -> PoolFunction {
        guard function.signature.fingerprint == signature.fingerprint else {
            throw .signatureMismatch(
                name: function.name, ours: signature, theirs: function.signature, worker: whose)
        }
        return function
    }
}
