internal import CProto

/// How many processors this process may use: what its affinity allows.
func usableProcessorCount() -> Int { Int(futures_affinity_count()) }
