import Synchronization

/// What a call that runs in a worker process said of itself: see ``RunningCall/reportProgress(fraction:_:)``.
public struct CallReport: Sendable, Equatable {
    /// How much of it is done, 0 to 1; nil if it did not say.
    public let fraction: Double?
    /// What it is at, without control characters; empty if it did not say.
    public let message: String
    /// How many bytes of UTF-8 a message has at most; what is longer is cut.
    public static let longestMessage = JournalLayout.Report.longestText
}

extension CallReport {
    /// From what a worker has written, whatever that is.
    init(fraction: Double, text: some Collection<UInt8>) {
        self.fraction = fraction.isNaN ? nil : min(max(fraction, 0), 1)
        var message = String.UnicodeScalarView()
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            message.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        self.message = String(message)
    }
}

extension RunningCall {
    /// Says how far the call is that runs in this worker process, or the element of a map that it has come to; for whoever watches
    /// by ``MapResults/progress(every:total:)`` or ``ProcessPoolExecutor/workerActivity``.
    ///
    /// ```swift
    /// for (index, page) in pages.enumerated() {
    ///     RunningCall.reportProgress(fraction: Double(index) / Double(pages.count), "reading \(page.name)")
    ///     ...
    /// }
    /// ```
    ///
    /// The latest report counts; it is gone with the call or element. A report takes some ten nanoseconds and the time for its text,
    /// wakes nobody, and needs no limit of its own. Any thread. Outside of worker processes, as on a thread pool's threads, nothing
    /// happens, and the text is not made.
    ///
    /// - Parameters:
    ///   - fraction: how much is done, 0 to 1; nil for as much as before.
    ///   - message: what is being done, in up to 120 bytes of UTF-8; nil for the one before.
    public static func reportProgress(fraction: Double? = nil, _ message: @autoclosure () -> String? = nil) {
        let reporter = CallReporter.current
        guard reporter.isServing else { return }
        reporter.report(fraction: fraction, message())
    }
}

/// Where reports of this process go. One for the process.
final class CallReporter: Sendable {
    static let current = CallReporter()

    private let hasJournal = Atomic<Bool>(false)
    private let journal = Mutex<JournalWriter?>(nil)

    var isServing: Bool { hasJournal.load(ordering: .relaxed) }

    /// This process serves a pool that reads this journal; nil for one that reads none.
    func serve(_ journal: JournalWriter?) {
        self.journal.withLock { $0 = journal }
        hasJournal.store(journal != nil, ordering: .relaxed)
    }

    func report(fraction: Double?, _ message: String?) {
        journal.withLock { $0?.report(fraction: fraction, message) }
    }
}
