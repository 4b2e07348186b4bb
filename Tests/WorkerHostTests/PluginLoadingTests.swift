import Futures
import TestSupport
import Testing

/// What a pool says when worker-host cannot use the library that it was told to load.
@Suite(.serialized) struct PluginLoadingTests {
    private let folder = TemporaryFolder()

    /// What the first call fails with.
    private func failure(loading library: String) throws -> String {
        try Leftovers.check {
            let pool = try ProcessPoolExecutor(
                .external, maxWorkers: 1,
                worker: .workerHost(at: BuildProducts.path(of: "worker-host"), load: library))
            defer { pool.shutdown() }
            let anything = Callable<Int, Int>(external: "anything")
            let error = try #require(try pool.submit(anything, 1).exception(timeout: .seconds(60)))
            #expect(error is BrokenProcessPool)
            return "\(error)"
        }
    }

    /// Builds a shared library; returns its path.
    private func library(_ source: String) throws -> String {
        let file = folder.write(source, to: "library.c")
        let path = folder.file("library.so")
        // Swift needs a C compiler to link: clang, or what the system calls cc.
        let compiler = try ChildProgram(
            "/bin/sh",
            ["-c", "exec \"$(command -v cc || command -v clang)\" -shared -fPIC -o \"$1\" \"$2\"", "sh", path, file],
            capturesOutput: true)
        let output = compiler.readToEnd()
        try #require(compiler.exitCode == 0, "\(output)")
        return path
    }

    @Test("a file that is not there")
    func missing() throws {
        let path = folder.file("missing.so")
        let text = try failure(loading: path)
        #expect(
            text.contains(
                """
                refused to serve: the plug-in \(path) cannot be loaded: \(path): cannot open shared object file: \
                No such file or directory
                """), "\(text)")
    }

    @Test("a name without a folder is a file here, and not looked up in the system's libraries")
    func bareName() throws {
        let text = try failure(loading: "libz.so.1")
        #expect(text.contains("the plug-in libz.so.1 cannot be loaded: ./libz.so.1: cannot open"), "\(text)")
    }

    @Test("a folder, and a file that is no library")
    func noLibrary() throws {
        let text = try failure(loading: folder.path)
        #expect(text.contains("the plug-in \(folder.path) cannot be loaded: "), "\(text)")
        #expect(text.contains("Is a directory"), "\(text)")
        let path = folder.write(String(repeating: "no library ", count: 100), to: "text.so")
        #expect(
            try failure(loading: path).contains("the plug-in \(path) cannot be loaded: \(path): invalid ELF header"))
    }

    @Test("a library that needs a function that nobody has")
    func undefinedSymbol() throws {
        let path = try library(
            "int nobody_has_this(void); int futures_plugin_main(int a, int b) { return nobody_has_this(); }")
        let text = try failure(loading: path)
        #expect(text.contains("the plug-in \(path) cannot be loaded: "), "\(text)")
        #expect(text.contains("undefined symbol: nobody_has_this"), "\(text)")
    }

    @Test("a library without the entry point: the message has its declaration")
    func noEntryPoint() throws {
        let path = try library("int something_else(void) { return 1; }")
        let text = try failure(loading: path)
        #expect(
            text.contains(
                """
                refused to serve: the plug-in \(path) has no entry point futures_plugin_main; declare \
                @c(futures_plugin_main) public func pluginMain(_ input: Int32, _ output: Int32) -> Int32 in it
                """), "\(text)")
    }

    @Test("an entry point that returns at once, with its exit code and last words")
    func returnsAtOnce() throws {
        let path = try library(
            """
            #include <unistd.h>
            int futures_plugin_main(int input, int output) {
                if (write(2, "no licence\\n", 11) != 11) return 1;
                return 7;
            }
            """)
        let text = try failure(loading: path)
        #expect(text.contains("exited with code 7 before its handshake"), "\(text)")
        #expect(text.contains("its standard error ends:\nno licence"), "\(text)")
    }
}
