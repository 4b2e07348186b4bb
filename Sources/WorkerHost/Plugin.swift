import Glibc

/// A shared library with callables of its own.
///
/// Only a C function with two descriptors crosses the border. The library has its own copy of Futures, whose types are
/// not ours: a Swift value handed over would fail every cast, silently.
struct Plugin {
    static let entryPoint = "futures_plugin_main"

    typealias Main = @convention(c) (_ input: Int32, _ output: Int32) -> Int32

    private let main: Main

    /// Loads the library; its code stays loaded for the life of the process.
    init(_ path: String) throws(PluginError) {
        // A bare name is looked up as a file here, not in the loader's path: what runs is what was named.
        let file = path.contains("/") ? path : "./\(path)"
        guard let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
            throw PluginError(text: "the plug-in \(path) cannot be loaded: \(Self.loaderError)")
        }
        guard let symbol = dlsym(handle, Self.entryPoint) else {
            throw PluginError(
                text: """
                    the plug-in \(path) has no entry point \(Self.entryPoint); declare \
                    @c(\(Self.entryPoint)) public func pluginMain(_ input: Int32, _ output: Int32) -> Int32 in it
                    """)
        }
        main = unsafeBitCast(symbol, to: Main.self)
    }

    /// Runs the plug-in until the pool ends it; returns the exit code for the process.
    func serve(_ input: Int32, _ output: Int32) -> Int32 { main(input, output) }

    private static var loaderError: String { dlerror().map { String(cString: $0) } ?? "unknown error" }
}

/// Why a plug-in cannot be used.
struct PluginError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
