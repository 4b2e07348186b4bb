import Glibc
import TestSupport
import Testing

/// Runs scripts with worker-host, in a folder of its own.
final class Shell: Sendable {
    let folder = TemporaryFolder()

    struct Ended {
        var output: String
        var errors: String
        /// A signal's number negated.
        var exitCode: Int32?
    }

    /// Runs a script, in which `$W` is worker-host and `$D` the folder. Nothing that it started may be left.
    func run(_ script: String, _ place: SourceLocation = #_sourceLocation) throws -> Ended {
        let program = try ChildProgram(
            "/bin/sh", ["-c", "exec 2>\"$D/errors\"; \(script)"],
            environment: [
                "W": BuildProducts.path(of: "worker-host"), "D": folder.path, "SWIFT_BACKTRACE": "enable=no",
            ], capturesOutput: true)
        let output = program.readToEnd()
        #expect(isAloneSoon(), "something that '\(script)' started is left", sourceLocation: place)
        let errors = try #require(ProcFiles.text(of: folder.file("errors")), sourceLocation: place)
        return Ended(output: output, errors: errors, exitCode: program.exitCode)
    }

    /// Whether all processes that have the folder in their environment end within ten seconds.
    private func isAloneSoon() -> Bool {
        for _ in 0..<1_000 {
            let isLeft = ProcFiles.entries(of: "/proc").contains { entry in
                Int(entry) != nil
                    && ProcFiles.text(of: "/proc/\(entry)/environ")?.contains("D=\(folder.path)\0") == true
            }
            if !isLeft { return true }
            usleep(10_000)
        }
        return false
    }
}
