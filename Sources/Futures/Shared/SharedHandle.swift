import Wire

/// How a handle travels.
enum SharedHandle: Equatable {
    /// Where its bytes are.
    case place(SharedSegment.Place)
    /// With its bytes.
    case payload(Payload)

    private static let placeSize = 2 + 16 + 4 + 4 + 8 + 8 + 8

    /// The kind (1 byte: 0 with its bytes, 1 a place), the encoding (1 byte), and the bytes, or of the place the id, process,
    /// descriptor, device, file and size, little-endian.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .payload(let payload):
            bytes.reserveCapacity(2 + payload.bytes.count)
            bytes += [0, payload.format.encoding.rawValue]
            bytes += payload.bytes
        case .place(let place):
            bytes.reserveCapacity(Self.placeSize)
            bytes += [1, place.encoding.rawValue]
            func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
            append(place.id.high)
            append(place.id.low)
            append(place.process)
            append(place.descriptor)
            append(place.device)
            append(place.file)
            append(Int64(place.size))
        }
        return bytes
    }

    /// Nil for what is no handle.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 2, let encoding = PayloadFormat.Encoding(rawValue: bytes[1]) else { return nil }
        switch bytes[0] {
        case 0: self = .payload(Payload(bytes: Array(bytes[2...]), format: encoding == .raw ? .raw : .values))
        case 1:
            guard bytes.count == Self.placeSize else { return nil }
            var position = 2
            func next<T: FixedWidthInteger>(_: T.Type) -> T {
                defer { position += MemoryLayout<T>.size }
                return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: T.self)) }
            }
            let id = SharedID(high: next(UInt64.self), low: next(UInt64.self))
            let (process, descriptor) = (next(Int32.self), next(Int32.self))
            let (device, file, size) = (next(UInt64.self), next(UInt64.self), next(Int64.self))
            guard process > 0, descriptor >= 0, size >= 0 else { return nil }
            self = .place(
                SharedSegment.Place(
                    id: id, process: process, descriptor: descriptor, device: device, file: file, size: Int(size),
                    encoding: encoding))
        default: return nil
        }
    }
}
