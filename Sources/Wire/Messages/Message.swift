/// The message part of a frame, whichever it is.
public enum Message: Sendable, Hashable {
    /// Parent to worker, first.
    indirect case hello(Hello)
    /// Worker to parent, first.
    indirect case welcome(Welcome)
    /// Parent to worker; the payload holds the arguments.
    case task(TaskMessage)
    /// Parent to worker; the payload holds one column for each argument.
    case chunk(ChunkMessage)
    /// Worker to parent; the payload holds the result.
    case result(ResultMessage)
    /// Worker to parent; the payload holds the column of results.
    case chunkResult(ChunkResultMessage)
    /// Worker to parent.
    indirect case failure(FailureMessage)
    /// Parent to worker.
    case cancel(CancelMessage)
    /// Worker to parent.
    case cancelReply(CancelReply)
    /// Either way.
    case ping(Ping)
    /// The answer to a ping.
    case pong(Ping)
    /// Parent to worker.
    case drain(Drain)
    /// Worker to parent, last.
    case goodbye(Goodbye)
    /// Worker to parent, while a detached frame of the parent's arrives.
    case room(Room)
    /// Parent to worker.
    case taken

    /// The kind of frame that it makes.
    public var kind: FrameKind {
        switch self {
        case .hello: .hello
        case .welcome: .welcome
        case .task: .task
        case .chunk: .chunk
        case .result: .result
        case .chunkResult: .chunkResult
        case .failure: .failure
        case .cancel: .cancel
        case .cancelReply: .cancelReply
        case .ping: .ping
        case .pong: .pong
        case .drain: .drain
        case .goodbye: .goodbye
        case .room: .room
        case .taken: .taken
        }
    }

    /// The format of the payload behind it; nil for a message that has none.
    public var payloadFormat: PayloadFormat? {
        switch self {
        case .task(let message): message.format
        case .chunk(let message): message.format
        case .result(let message): message.format
        case .chunkResult(let message): message.format
        default: nil
        }
    }
}
