import Futures
import Glibc

/// Writes what workers did in the trace event format of Chrome, which Perfetto shows: a JSON array of events.
///
/// It grows as the run goes on. After each write the file is a whole array: the next one begins where its end was, so that a run that
/// is killed leaves one, too. Only a pipe has its end at the end.
struct TraceFile: ~Copyable {
    private static let limit = 1 << 16
    private static let end = Array("\n]\n".utf8)

    private let file: WrittenFile
    private let process = getpid()
    private var pending: [UInt8] = []
    /// Where the end of the array is.
    private var offset = 0
    private var isFirst = true
    private var failure: OutputError?

    init(path: FileName) throws(OutputError) {
        file = try WrittenFile(path: path)
        pending = Array("[\n".utf8)
        add(
            #"{"name":"process_name","ph":"M","pid":\#(process),"tid":\#(process),"args":{"name":"worker-host map"}}"#)
        flush()
    }

    /// A worker is there: its row.
    mutating func began(_ worker: ObservedWorker) {
        let name = "worker \(worker.number) (process \(worker.processID))"
        add(event("thread_name", worker, #","ph":"M","args":{"name":"\#(name)"}"#))
        add(event("thread_sort_index", worker, #","ph":"M","args":{"sort_index":\#(worker.number)}"#))
    }

    /// - Parameters:
    ///   - began: in nanoseconds since the beginning.
    ///   - ended: likewise.
    mutating func add(_ call: ObservedCall, began: Int64, ended: Int64) {
        var arguments = #""elements":\#(call.elements),"failed":\#(call.failures)"#
        switch call.outcome {
        case .answered: break
        case .failedForNow: arguments += #","again":true"#
        case .lost(let reason): arguments += #","lost":\#(Self.quoted(reason))"#
        }
        add(
            event(
                call.functionName, call.worker,
                """
                ,"cat":"call","ph":"X","ts":\(Self.microseconds(began)),"dur":\(Self.microseconds(ended - began)),\
                "args":{\(arguments)}
                """))
        if pending.count >= Self.limit { flush() }
    }

    /// - Throws: what went wrong at any time.
    mutating func finish() throws(OutputError) {
        flush()
        if !file.isSeekable, failure == nil { write(Self.end, at: offset) }
        if let failure { throw failure }
        try file.finish()
    }

    private mutating func add(_ event: String) {
        if !isFirst { pending += Array(",\n".utf8) }
        isFirst = false
        pending += Array(event.utf8)
    }

    private func event(_ name: String, _ worker: ObservedWorker, _ rest: String) -> String {
        #"{"name":\#(Self.quoted(name)),"pid":\#(process),"tid":\#(worker.processID)\#(rest)}"#
    }

    private mutating func flush() {
        guard failure == nil, !pending.isEmpty else { return }
        write(file.isSeekable ? pending + Self.end : pending, at: offset)
        offset += pending.count
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func write(_ bytes: [UInt8], at offset: Int) {
        do { try file.write(bytes, at: offset) } catch { failure = error }
    }

    /// With three places.
    static func microseconds(_ nanoseconds: Int64) -> String {
        let (whole, rest) = max(0, nanoseconds).quotientAndRemainder(dividingBy: 1_000)
        return "\(whole).\(String(rest + 1_000).dropFirst())"
    }

    /// As a string of JSON (RFC 8259).
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// A file that a run writes beside its output; made, or emptied.
struct WrittenFile: ~Copyable {
    private let descriptor: Int32
    private let name: String
    /// Whether it can be written at any place.
    let isSeekable: Bool

    init(path: FileName) throws(OutputError) {
        descriptor = try path.create()
        name = path.shown
        var status = stat()
        isSeekable = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    deinit { close(descriptor) }

    /// - Parameter offset: where; means nothing for what is no file.
    func write(_ bytes: [UInt8], at offset: Int) throws(OutputError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let (start, length) = (buffer.baseAddress! + done, buffer.count - done)
                return isSeekable
                    ? pwrite(descriptor, start, length, off_t(offset + done)) : Glibc.write(descriptor, start, length)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw OutputError(name: name, number: count < 0 ? errno : EIO) }
            done += count
        }
    }

    func finish() throws(OutputError) { try synchronize(descriptor, name) }
}
