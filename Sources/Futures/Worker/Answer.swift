import Wire

/// What a worker says, with the payload that goes with it.
struct Answer: Sendable {
    var message: Message
    var payload = Payload.empty
    /// The pool takes the payload from this process's memory.
    var isLent = false

    /// Appends the answer as a frame. One that is larger than the pool takes is cut, or becomes a failure of its task:
    /// sent as it is, it would end the connection, and with it the work of everybody else.
    ///
    /// - Throws: ``WireError`` if not even that fits.
    func append(to buffer: inout FrameBuffer) throws(WireError) {
        let problem: WireError
        do throws(WireError) {
            if isLent { return try buffer.append(message, lent: payload) }
            return try buffer.append(message, payload: payload)
        } catch {
            problem = error
        }
        switch problem {
        case .messageTooLarge(_, let size, let limit):
            do throws(WireError) {
                return try buffer.append(message.cut(to: Int(limit)), payload: payload)
            } catch {
                let words = "what its elements threw takes \(size) bytes to tell, and the pool accepts at most \(limit)"
                guard let failure = failure(words) else { throw error }
                try buffer.append(failure)
            }
        case .payloadTooLarge(_, let size, let limit):
            let words = "it takes \(size) bytes, and the pool accepts at most \(limit); return less, or a file's path"
            guard let failure = failure(words) else { throw problem }
            try buffer.append(failure)
        default: throw problem
        }
    }

    /// Whether it is the last answer to a task, and certain to be sent as it is.
    func canBeLent(_ limits: WireLimits) -> Bool {
        guard payload.bytes.count <= limits.maxPayloadSize else { return false }
        switch message {
        case .result: return true
        case .chunkResult(let result): return result.part == 0 && result.failures.isEmpty
        default: return false
        }
    }

    /// The task's failure in place of a result that cannot be sent; nil where it is no result.
    private func failure(_ words: String) -> Message? {
        let task: (id: UInt64, attempt: UInt32, runNanoseconds: UInt64)
        switch message {
        case .result(let result): task = (result.id, result.attempt, result.runNanoseconds)
        case .chunkResult(let result): task = (result.id, result.attempt, result.runNanoseconds)
        default: return nil
        }
        return .failure(
            FailureMessage(
                id: task.id, attempt: task.attempt, runNanoseconds: task.runNanoseconds,
                failure: FailureDescription(place: .encodingResult, typeName: "", message: words)))
    }
}

extension Message {
    /// The message with its texts cut, so that it takes about `size` bytes at most.
    fileprivate func cut(to size: Int) -> Message {
        switch self {
        case .failure(var failure):
            failure.failure.cut(to: min(size / 2, FailureDescription.readableSize))
            return .failure(failure)
        case .chunkResult(var result):
            // The other half is for what each element takes besides its texts.
            let share = min(size / 2 / max(result.failures.count, 1), FailureDescription.readableSize)
            for index in result.failures.indices { result.failures[index].failure.cut(to: share) }
            return .chunkResult(result)
        default: return self
        }
    }
}

extension FailureDescription {
    /// More than anybody reads of one error, in bytes.
    fileprivate static let readableSize = 64 * 1024

    /// Cuts what it says to `size` bytes in all; an error that would travel as itself becomes words if it is larger.
    fileprivate mutating func cut(to size: Int) {
        if let payload, payload.count > size / 2 { self.payload = nil }
        typeName = typeName.cut(to: size / 8)
        message = message.cut(to: size / 4)
        detail = detail.cut(to: size / 8)
        backtrace = []
    }
}

extension String {
    /// The beginning, and how long the whole was where there is room to say so.
    fileprivate func cut(to size: Int) -> String {
        let length = utf8.count
        guard length > size else { return self }
        let note = "… (\(length) bytes in all)"
        let kept = size > 2 * note.utf8.count ? size - note.utf8.count : size
        var end = utf8.index(startIndex, offsetBy: kept)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end]) + (kept == size ? "" : note)
    }
}
