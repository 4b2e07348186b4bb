import Foundation
import Futures
import Synchronization

/// An HTTP server on 127.0.0.1, for as long as a test holds it.
final class LoopbackServer: Sendable {
    enum Answer {
        /// A page of so many bytes; of fewer than it promises, where `missing` is not 0.
        case page(status: Int = 200, bytes: Int, missing: Int = 0)
        /// The connection stays open, and nothing comes.
        case silence
    }

    private let listener: LoopbackSocket
    private let silent = SilentConnections()
    /// One thread accepts, the others answer.
    private let pool: ThreadPoolExecutor

    /// - Parameter answer: says what a path gets, on a thread of the server's own. It may wait.
    init(answer: @escaping @Sendable (_ path: String) -> Answer) throws {
        listener = try LoopbackSocket()
        pool = try ThreadPoolExecutor(maxWorkers: 9, threadNamePrefix: "server")
        guard listen(listener.descriptor, 128) == 0 else { throw SocketError() }
        // The threads know these, not the server itself, whose end they would be in the way of.
        let (descriptor, pool, silent) = (listener.descriptor, pool, silent)
        _ = try pool.submit {
            // Until the listener is shut down.
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                _ = try pool.submit { Self.serve(connection, silent, answer) }
            }
        }
    }

    deinit {
        shutdown(listener.descriptor, Int32(SHUT_RDWR))
        pool.shutdown()
        silent.closeAll()
    }

    func url(_ path: String) -> String { listener.url(path) }

    private static func serve(_ connection: Int32, _ silent: SilentConnections, _ answer: (String) -> Answer) {
        guard let path = requestedPath(connection) else {
            close(connection)
            return
        }
        switch answer(path) {
        case .silence:
            silent.add(connection)
        case .page(let status, let bytes, let missing):
            let head = "HTTP/1.1 \(status) Text\r\nContent-Length: \(bytes)\r\nConnection: close\r\n\r\n"
            send(Array(head.utf8) + [UInt8](repeating: 0x61, count: bytes - missing), to: connection)
            close(connection)
        }
    }

    /// The path of a request that came in whole.
    private static func requestedPath(_ connection: Int32) -> String? {
        var request: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !request.ends(with: "\r\n\r\n".utf8) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            request += buffer[..<count]
        }
        let words = String(decoding: request, as: UTF8.self).split(separator: " ", maxSplits: 2)
        return words.count == 3 && words[0] == "GET" ? String(words[1]) : nil
    }

    private static func send(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The client has gone: what it says of that is what the test looks at.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Connections on which nothing is said.
private final class SilentConnections: Sendable {
    private let descriptors = Mutex<[Int32]>([])

    func add(_ connection: Int32) { descriptors.withLock { $0.append(connection) } }

    func closeAll() {
        for descriptor in descriptors.withLock({ $0 }) { close(descriptor) }
    }
}

/// A TCP socket with a port of its own on 127.0.0.1. While nobody listens on it, connections to it are refused.
final class LoopbackSocket: Sendable {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw SocketError() }
    }

    deinit { close(descriptor) }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }
}

struct SocketError: Error {
    var number = errno
}

extension Array where Element: Equatable {
    fileprivate func ends(with end: some Collection<Element>) -> Bool { suffix(end.count).elementsEqual(end) }
}
