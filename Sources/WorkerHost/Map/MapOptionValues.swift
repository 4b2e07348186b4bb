import ArgumentParser
import Futures

/// A number of bytes as people write it: 4096, 64K, 4M, 1G; K is 1024.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
    let bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        var digits = argument[...]
        var factor = 1
        if let unit = digits.last, let power = Array("KMGTkmgt").firstIndex(of: unit) {
            digits.removeLast()
            factor = 1 << (10 * (1 + power % 4))
        }
        guard let number = Int(digits), number >= 1, digits.first != "+" else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        self.bytes = bytes
    }

    var description: String {
        for (index, unit) in "TGMK".enumerated() {
            let factor = 1 << (10 * (4 - index))
            if bytes >= factor, bytes % factor == 0 { return "\(bytes / factor)\(unit)" }
        }
        return "\(bytes)"
    }

    var defaultValueDescription: String { description }
}

/// How many elements are in a message: a number, or "auto".
enum ChunkSizeOption: ExpressibleByArgument {
    case automatic
    case elements(Int)

    init?(argument: String) {
        if argument == "auto" {
            self = .automatic
        } else if let number = Int(argument), number >= 1 {
            self = .elements(number)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .automatic: "auto"
        case .elements(let number): "\(number)"
        }
    }

    var chunkSize: any ChunkSize {
        switch self {
        case .automatic: .automatic as AutomaticChunkSize
        case .elements(let number): number
        }
    }
}

/// What records are: lines, null, csv, jsonl, file, or bytes:N.
struct FormatOption: ExpressibleByArgument {
    let format: RecordFormat
    private let text: String

    static let lines = FormatOption(format: .lines, text: "lines")

    private init(format: RecordFormat, text: String) {
        self.format = format
        self.text = text
    }

    init?(argument: String) {
        text = argument
        switch argument {
        case "lines": format = .lines
        case "null": format = .nullDelimited
        case "csv": format = .csv()
        case "jsonl": format = .jsonLines
        case "file": format = .whole
        default:
            guard argument.hasPrefix("bytes:"), let size = ByteSize(argument: String(argument.dropFirst(6))) else {
                return nil
            }
            format = .fixed(size: size.bytes)
        }
    }

    var defaultValueDescription: String { text }
}

/// Whether input is decompressed.
enum DecompressOption: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never

    /// - Parameter format: bytes are as they are, unless it is said.
    func compression(_ format: RecordFormat) -> RecordStream.Compression {
        switch self {
        case .auto: format.delimiter == nil ? .none : .automatic
        case .always: .gzip
        case .never: .none
        }
    }
}

/// A time as people write it: 10, 1.5s, 200ms, 5m, 1h.
struct TimeOption: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]
        let unit = units.first { argument.hasSuffix($0.0) } ?? ("", 1)
        guard let number = Double(argument.dropLast(unit.0.count)), number > 0, number * unit.1 < 1e9 else {
            return nil
        }
        duration = .seconds(number * unit.1)
    }
}

/// How a command of the shell is run.
enum ExecModeOption: String, ExpressibleByArgument, CaseIterable { case block, lines }

/// In which order results are written.
enum OrderOption: EnumerableFlag {
    case ordered, unordered

    static func help(for value: OrderOption) -> ArgumentHelp? {
        value == .ordered ? "Write results in the order of the input." : "Write results as they are there."
    }
}

/// Whether a run tells how far it is.
enum ProgressOption: String, ExpressibleByArgument { case auto, never }

/// What is done with elements that fail.
enum FailurePolicy: ExpressibleByArgument, Equatable {
    case stop, skip
    /// Their input goes to a file.
    case collect(FileName)

    init?(argument: String) {
        switch argument {
        case "stop": self = .stop
        case "skip": self = .skip
        default:
            guard argument.hasPrefix("collect:"), argument != "collect:" else { return nil }
            self = .collect(FileName(String(argument.dropFirst(8))))
        }
    }

    var defaultValueDescription: String { "stop" }
}

/// Compression on the way to workers and back: off, auto, 1...9.
enum CompressOption: ExpressibleByArgument {
    case off
    case level(Int)

    init?(argument: String) {
        if argument == "off" {
            self = .off
        } else if argument == "auto" {
            self = .level(1)
        } else if let level = Int(argument), (1...9).contains(level) {
            self = .level(level)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String { "off" }

    var policy: CompressionPolicy {
        switch self {
        case .off: .off
        case .level(let level): .zlib(level: level)
        }
    }
}
