import Futures
import Glibc
import Wire

/// Has this thread be a worker that is sent a batch of calls, and that so many times.
///
/// A second thread writes what a pool would send, and one reads the answers and drops them, both without looking at them.
func serveCalls(of callable: Callable<Int, Int>, _ batch: Int, times: Int) throws {
    let script = try Script(callable, batch: batch)
    var requests: [Int32] = [0, 0]
    var answers: [Int32] = [0, 0]
    guard pipe(&requests) == 0, pipe(&answers) == 0 else { throw SetupError(call: "pipe") }
    let (requestsEnd, answersEnd) = (requests[1], answers[0])
    let (writer, reader) = (DriverThread(name: "writer"), DriverThread(name: "reader"))
    try writer.start {
        write(script.hello, to: requestsEnd)
        for _ in 0..<times { write(script.calls, to: requestsEnd) }
        write(script.drain, to: requestsEnd)
    }
    try reader.start {
        var space = [UInt8](repeating: 0, count: 1 << 16)
        while read(answersEnd, &space, space.count) > 0 {}
    }
    let code = WorkerProcess.serve(FunctionRegistry { callable }, input: requests[0], output: answers[1])
    writer.join()
    close(answers[1])
    reader.join()
    for descriptor in [requests[0], requests[1], answers[0]] { close(descriptor) }
    guard code == 0 else { throw SetupError(call: "serving, with code \(code),") }
}

/// What a pool sends, as bytes.
private struct Script: Sendable {
    let hello: [UInt8]
    let calls: [UInt8]
    let drain: [UInt8]

    init(_ callable: Callable<Int, Int>, batch: Int) throws {
        let codec = ValueCodec<Int>()
        hello = try Self.bytes { try $0.append(.hello(Hello(capabilities: [], workerID: 1))) }
        calls = try Self.bytes { buffer in
            for id in 0..<batch {
                var encoder = PayloadEncoder()
                try codec.encode(id, into: &encoder)
                let payload = encoder.finish()
                let task = TaskMessage(id: UInt64(id), attempt: 1, function: 0, format: payload.format)
                try buffer.append(.task(task), payload: payload)
            }
        }
        drain = try Self.bytes { try $0.append(.drain(Drain(reason: "the end"))) }
    }

    private static func bytes(_ fill: (inout FrameBuffer) throws -> Void) throws -> [UInt8] {
        var buffer = FrameBuffer()
        try fill(&buffer)
        return buffer.withFirstBytes { Array($0) }
    }
}

private func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest.removeFirst(count)
    }
}

struct SetupError: Error, CustomStringConvertible {
    let call: String
    var description: String { "\(call) failed" }
}
