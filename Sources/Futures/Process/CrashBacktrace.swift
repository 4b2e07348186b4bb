/// What a worker that crashes in Swift code writes about it to its standard error, which the report of its loss shows.
///
/// It is Swift's own `swift-backtrace`, a program of the toolchain that the crashing process starts, and waits for: the
/// worker is lost that much later. Where the runtime does not find it (it looks beside its library, as in
/// `lib/swift/linux` and `libexec/swift/linux`, or below `SWIFT_ROOT`), a crash leaves the "Fatal error" line, and with
/// it a stack of addresses where that line is Swift's.
///
/// With `SWIFT_BACKTRACE` in this program's environment or in ``WorkerCommand/environment``, that counts instead of any
/// of these.
public enum CrashBacktrace: Sendable, Hashable {
    /// What Swift does by itself: on Linux symbols and lines of every thread, registers and loaded libraries.
    case inherited
    /// Nothing but the "Fatal error" line. Code that was built for release has none for many traps: then the signal is
    /// all that is known.
    case off
    /// The crashed thread's stack with function names, without inlined ones.
    case fast
    /// The crashed thread's stack with files and lines, inlined functions, and in a release build the reason of the
    /// trap. Needs debug information (`-g`, which SwiftPM sets), and takes longest.
    case symbolised

    static let variable = "SWIFT_BACKTRACE"

    /// The variable's value; nil for none.
    var settings: String? {
        switch self {
        case .inherited: nil
        case .off: "enable=no"
        case .fast: "\(Self.brief),symbolicate=fast"
        case .symbolised: "\(Self.brief),symbolicate=full"
        }
    }

    /// What no report shows is not asked for: it takes time, and room in the end of the standard error that is kept.
    /// Warnings would come from each worker at its start, where there is no swift-backtrace.
    private static let brief =
        "enable=yes,warnings=suppressed,interactive=no,color=no,output-to=stderr,threads=crashed,"
        + "registers=none,images=none,limit=64,top=16"
}
