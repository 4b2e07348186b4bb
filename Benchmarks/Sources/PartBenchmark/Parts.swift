import Futures
import Glibc
import Wire

var parts: [Part] { valueParts + frameParts + poolParts }

// MARK: Values

/// What travels through Codable.
struct Order: Codable, Sendable {
    var number: Int
    var customer: String
    var amounts: [Double]
    var note: String?
}

private let order = Order(number: 4711, customer: "Ada", amounts: [1.5, 2.5, 3.5], note: nil)

private func valuePart<T: Codable & Sendable>(_ name: String, _ about: String, _ value: T) -> [Part] {
    let codec = ValueCodec<T>()
    func encode() throws -> Payload {
        var encoder = PayloadEncoder()
        try codec.encode(value, into: &encoder)
        return encoder.finish()
    }
    return [
        Part("encode_\(name)", "a payload of \(about)") {
            { count in for _ in 0..<count { use(try encode()) } }
        },
        Part("decode_\(name)", "\(about), out of a payload") {
            let payload = try encode()
            return { count in
                for _ in 0..<count {
                    var decoder = try PayloadDecoder(payload: payload)
                    use(try codec.decode(from: &decoder))
                }
            }
        },
    ]
}

private var valueParts: [Part] {
    valuePart("int", "an Int", 123_456)
        + valuePart("string", "a String of 100 bytes", String(repeating: "a", count: 100))
        + valuePart("doubles", "an array of 1000 Doubles", [Double](repeating: 1.5, count: 1000))
        + valuePart("order", "a Codable structure with four properties", order)
}

// MARK: Frames

private let format = PayloadFormat(encoding: .values)
private let task = Message.task(TaskMessage(id: 123_456, attempt: 1, function: 3, format: format))
private let result = Message.result(
    ResultMessage(id: 123_456, attempt: 1, format: format, runNanoseconds: 1234))
private let smallPayload = Payload(bytes: [UInt8](repeating: 1, count: 8), format: format)

private var frameParts: [Part] {
    [
        Part("frame_encode", "a task as a frame") {
            { count in
                var buffer = FrameBuffer()
                for _ in 0..<count {
                    try buffer.append(task, payload: smallPayload)
                    buffer.removeFirst(buffer.count)
                }
            }
        },
        Part("frame_decode", "a result out of a frame") {
            var buffer = FrameBuffer()
            try buffer.append(result, payload: smallPayload)
            let bytes = buffer.withFirstBytes { Array($0) }
            return { count in
                var decoder = FrameDecoder()
                for _ in 0..<count {
                    bytes.withUnsafeBytes { decoder.append($0) }
                    _ = try decoder.withNextFrame { use(try Message(decoding: $0)) }
                }
            }
        },
    ]
}

// MARK: Pool

private let plusOne = Callable("plusOne") { (n: Int) -> Int in n + 1 }

private var poolParts: [Part] {
    [
        Part("future", "a future is made, ended and asked for its value") {
            { count in
                for index in 0..<count {
                    let future = Future<Int>()
                    try future.setResult(index)
                    use(try future.result())
                }
            }
        },
        Part("scheduler", "a task is submitted and answered, a thousand others waiting behind two workers") {
            var scheduler = try BusyScheduler()
            return { count in for _ in 0..<count { try scheduler.step() } }
        },
        Part("worker", "a worker reads a call, runs it, and tells the result") {
            { count in try serveCalls(of: plusOne, 1000, times: max(1, count / 1000)) }
        },
    ]
}

/// A scheduler with two workers that have started, and a backlog.
private struct BusyScheduler {
    private var state: NumberedPoolState
    private var actions: NumberedPoolState.Actions = []
    private var sent: [(task: TaskID, worker: WorkerID, attempt: UInt32)] = []
    private var answered = 0
    private var now: Int64 = 0

    init() throws {
        state = NumberedPoolState(.init(maxWorkers: 2))
        for job in 0..<1000 { try submit(job) }
        while let spawned = nextSpawn() { state.workerReady(spawned, now: now, &actions) }
        noteSent()
    }

    mutating func step() throws {
        now += 1000
        try submit(0)
        noteSent()
        let first = sent[answered]
        answered += 1
        if answered == 1000 {
            sent.removeFirst(answered)
            answered = 0
        }
        use(state.answered(first.task, attempt: first.attempt, by: first.worker, runTime: 1000, now: now, &actions))
        noteSent()
    }

    private mutating func submit(_ job: Int) throws { use(try state.submitted(job, now: now, &actions)) }

    private mutating func nextSpawn() -> WorkerID? {
        for (index, action) in actions.enumerated() {
            if case .spawn(let worker) = action {
                actions.remove(at: index)
                return worker
            }
        }
        return nil
    }

    private mutating func noteSent() {
        for action in actions {
            if case .send(let task, _, let worker, let attempt) = action { sent.append((task, worker, attempt)) }
        }
        actions.removeAll(keepingCapacity: true)
    }
}
