internal import CProto

extension Array where Element: BitwiseCopyable {
    /// The elements whose bytes these are; what is left behind the last whole one is not taken.
    @inline(__always)
    init(elementsOf bytes: UnsafeRawBufferPointer) {
        self = []
        reserveCapacity(bytes.count / MemoryLayout<Element>.stride)
        append(elementsOf: bytes)
    }

    /// Likewise.
    @inline(__always)
    mutating func append(elementsOf bytes: UnsafeRawBufferPointer) {
        let count = bytes.count / MemoryLayout<Element>.stride
        guard count > 0 else { return }
        append(addingCapacity: count) { (span: inout OutputSpan<Element>) in
            span.withUnsafeMutableBufferPointer { target, initialized in
                futures_copy(
                    target.baseAddress! + initialized, bytes.baseAddress!, count * MemoryLayout<Element>.stride)
                initialized += count
            }
        }
    }
}

extension [UInt8] {
    /// The bytes, copied.
    @inline(__always)
    init(copying bytes: UnsafeRawBufferPointer) {
        // A small copy is no slower anywhere, and this takes fewer instructions.
        if bytes.count < 4096 {
            self.init(bytes)
        } else {
            self.init(elementsOf: bytes)
        }
    }
}
