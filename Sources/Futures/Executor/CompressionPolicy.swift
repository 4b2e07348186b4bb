import Wire

/// Whether and how a pool compresses large arguments and results: `.off`, or `.zlib(level:threshold:)`.
public typealias CompressionPolicy = Wire.CompressionPolicy
