import Testing

@testable import WorkerHost

/// What a terminal shows of a run.
@Suite struct ProgressTests {
    @Test("the line has share, size, rate and time left, and fits into any width")
    func line() {
        let progress = Progress(done: 250e6, total: 1_000_000_000, failed: 0, elapsed: .seconds(10))
        #expect(
            progress.line(width: 79) == "[##########..............................] 25 %, 250 MB, 25.0 MB/s, 0:30 left")
        #expect(progress.line(width: 60) == "[#####..................] 25 %, 250 MB, 25.0 MB/s, 0:30 left")
        #expect(progress.line(width: 40) == "25 %, 250 MB, 25.0 MB/s, 0:30 left")
        for width in 0...120 { #expect(progress.line(width: width).count <= width) }
    }

    @Test("without a size it has what is done; failures are told; nothing done has no time left")
    func other() {
        let unknown = Progress(done: 1_234_000, total: nil, failed: 3, elapsed: .seconds(2))
        #expect(unknown.line(width: 79) == "1.2 MB, 617 kB/s, 3 failed")
        let nothing = Progress(done: 0, total: 10, failed: 0, elapsed: .zero)
        #expect(nothing.line(width: 20) == "0 %, 0 B, 0 B/s")
        let over = Progress(done: 20, total: 10, failed: 0, elapsed: .seconds(1))
        #expect(over.line(width: 20).hasPrefix("100 %, 20 B"), "a file that grew")
    }

    @Test(
        "sizes and times in short",
        arguments: [(0.0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (5e15, "5000 TB")])
    func sizes(bytes: Double, text: String) { #expect(Progress.size(bytes) == text) }

    @Test("times", arguments: [(0.2, "0:01"), (59.5, "1:00"), (3599, "59:59"), (3601, "1:00:01"), (1e12, "99:59:59")])
    func times(seconds: Double, text: String) { #expect(Progress.time(seconds) == text) }
}
