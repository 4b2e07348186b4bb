import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Loads what a path or URL stands for.
struct Loader: Sendable {
    private let session: URLSession

    /// - Parameter timeout: how long a server may be silent, in seconds.
    init(timeout: Int) {
        // Without a cache on disk: what is loaded was sent just now. The time limit is here, and in whole seconds, because
        // Foundation on Linux does not heed the one that a request is made with, and cuts fractions off.
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = TimeInterval(timeout)
        session = URLSession(configuration: configuration)
    }

    /// All bytes of the source.
    func load(_ source: String) async throws -> Data {
        guard source.contains("://") else { return try Data(contentsOf: URL(fileURLWithPath: source)) }
        guard let url = URL(string: source) else { throw LoadError(description: "this is not a URL") }
        // On Linux sessions do not load files.
        if url.isFileURL { return try Data(contentsOf: url) }
        let (data, response) = try await session.data(from: url)
        if let status = (response as? HTTPURLResponse)?.statusCode, !(200..<300).contains(status) {
            let meaning = HTTPURLResponse.localizedString(forStatusCode: status)
            throw LoadError(description: "the server answered \(status) (\(meaning))")
        }
        return data
    }
}

/// A source is not what it should be.
struct LoadError: Error, CustomStringConvertible {
    var description: String
}

/// Why a source could not be loaded, in words.
func reason(_ error: any Error) -> String {
    if let error = error as? LoadError { return error.description }
    if (error as? URLError)?.code == .timedOut { return "the server was silent for too long" }
    // Foundation's words are vague; the system's own are underneath.
    let system = ((error as? CocoaError)?.underlying ?? error) as NSError
    guard system.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return String(cString: strerror(Int32(system.code)))
}
