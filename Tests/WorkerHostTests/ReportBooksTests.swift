import Futures
import Testing

@testable import WorkerHost

/// The books behind a report: they stay small, and lose nothing that they sum up.
@Suite struct ReportBooksTests {
    @Test("bins become wider, are never more than so many, and keep the sum")
    func bins() {
        var bins = TimeBins()
        var sum = 0
        for step in 0..<3_000 {
            let ended = Int64(step) * 50_000_000
            bins.add(elements: step % 7, failures: 1, from: ended - 120_000_000, to: ended)
            sum += step % 7
        }
        #expect(bins.bins.count <= TimeBins.most && bins.bins.count > TimeBins.most / 2)
        #expect(abs(bins.bins.reduce(0) { $0 + $1.elements } - Double(sum)) < 1e-6 * Double(sum))
        #expect(abs(bins.bins.reduce(0) { $0 + $1.failures } - 3_000) < 1e-6)
        bins.add(elements: 5, failures: 0, from: 0, to: 1 << 60)
        bins.add(elements: 5, failures: 0, from: .min, to: -5)
        bins.add(elements: 5, failures: 0, from: 9, to: 3)
        #expect(bins.bins.count <= TimeBins.most)
    }

    @Test("what takes longer than a bin is spread over those that it was in")
    func spread() {
        var bins = TimeBins()
        bins.add(elements: 100, failures: 0, from: 5_000_000, to: 25_000_000)
        #expect(bins.bins.map { $0.elements.rounded() } == [25, 50, 25])
        bins.add(elements: 1, failures: 1, from: 30_000_000, to: 30_000_000)
        #expect(bins.bins[3].elements == 1 && bins.bins[3].failures == 1)
    }

    @Test("times are counted by their magnitude; quantiles are right to a quarter of an octave")
    func histogram() {
        var times = TimeHistogram()
        #expect(times.groups(most: 10).isEmpty && times.mean == 0 && times.quantile(0.5) == 0)
        for time in 1...1_000 { times.add(Double(time) * 1_000) }
        #expect(times.count == 1_000 && times.longest == 1e6 && abs(times.mean - 500_500) < 1)
        #expect((500_000...600_000).contains(times.quantile(0.5)))
        #expect((950_000...1_000_000).contains(times.quantile(0.95)))
        for most in [5, 20, 100] {
            let groups = times.groups(most: most)
            #expect(groups.reduce(0) { $0 + $1.count } == 1_000)
            #expect(zip(groups, groups.dropFirst()).allSatisfy { abs($0.to - $1.from) < 1e-6 * $0.to })
        }
        times.add(-1)
        times.add(0, count: 3)
        times.add(1e300, count: 2)
        #expect(times.count == 1_006 && times.groups(most: 40).reduce(0) { $0 + $1.count } == 1_006)
    }

    private func span(_ began: Int64, _ ended: Int64) -> WorkerTimelines.Span {
        WorkerTimelines.Span(
            began: began, ended: ended, busy: ended - began, calls: 1, elements: 2, failures: 0)
    }

    @Test("a timeline has so many spans at most, however many calls there were, and loses none of them")
    func timelines() {
        var timelines = WorkerTimelines()
        for step in 0..<100_000 {
            for worker in UInt64(1)...3 {
                let began = Int64(step) * 2_000_000 + Int64(worker)
                timelines.add(span(began, began + 1_000_000), by: worker)
            }
        }
        let spans = timelines.rows.flatMap(\.spans)
        #expect(timelines.rows.count == 3 && spans.count <= WorkerTimelines.mostSpans)
        #expect(spans.reduce(0) { $0 + $1.calls } == 300_000 && spans.reduce(0) { $0 + $1.elements } == 600_000)
        #expect(spans.reduce(0) { $0 + $1.busy } == 300_000 * 1_000_000)
        for row in timelines.rows {
            #expect(zip(row.spans, row.spans.dropFirst()).allSatisfy { $0.ended <= $1.began })
        }
    }

    @Test("a worker that is gone leaves its row to the next; losses are counted, and so many shown")
    func rows() {
        var timelines = WorkerTimelines()
        for worker in UInt64(1)...2_000 {
            timelines.add(span(Int64(worker) * 1_000, Int64(worker) * 1_000 + 10), by: worker)
            timelines.lost(worker, processID: 7, at: Int64(worker) * 1_000, "it crashed")
            if worker > 1 { timelines.ended(worker) }
        }
        #expect(timelines.rows.count == 2 && timelines.rows.map(\.workers) == [1, 1_999])
        #expect(timelines.lossCount == 2_000)
        #expect(timelines.rows.reduce(0) { $0 + $1.losses.count } == WorkerTimelines.mostLosses)
    }

    @Test("times that a worker claims neither overlap nor lie before the beginning")
    func claimedTimes() {
        let recorder = RunRecorder(trace: nil, now: 1_000_000)
        let worker = ObservedWorker(number: 1, processID: 7)
        for (began, ended) in [(Int64.min / 2, Int64(2_000_000)), (0, 3_000_000), (5_000_000, 4_000_000)] {
            recorder.callEnded(
                ObservedCall(
                    worker: worker, functionName: "f", elements: 3, failures: 1, began: began, ended: ended,
                    outcome: .answered))
        }
        let spans = recorder.result.timelines.rows.flatMap(\.spans)
        #expect(spans.map(\.began) == [0, 1_000_000, 3_000_000])
        #expect(spans.map(\.ended) == [1_000_000, 2_000_000, 3_000_000])
        #expect(recorder.result.times.count == 9 && recorder.result.workers == 1)
    }

    @Test(
        "numbers for people",
        arguments: [
            (Figures.count(0), "0"), (Figures.count(1_234_567), "1\u{202F}234\u{202F}567"),
            (Figures.count(-1_000), "-1\u{202F}000"),
            (Figures.short(0), "0"), (Figures.short(0.123), "0.12"), (Figures.short(9.996), "10"),
            (Figures.short(12_345), "12.3k"),
            (Figures.short(.infinity), "–"), (Figures.time(850), "850 ns"), (Figures.time(1_230), "1.23 µs"),
            (Figures.time(45e6), "45 ms"), (Figures.time(5.1e9), "5.1 s"), (Figures.time(125e9), "2:05 min"),
            (Figures.time(3_723e9), "1:02:03 h"), (Figures.time(.nan), "–"), (Figures.decimal(-0.5, 1), "-0.5"),
        ])
    func figures(text: String, expected: String) { #expect(text == expected) }

    @Test("marks of axes are round, and about five; those of times are a clock's")
    func marks() {
        #expect(Figures.marks(to: 1.08) == [0, 0.5, 1])
        #expect(Figures.marks(to: 1_000) == [0, 200, 400, 600, 800, 1_000])
        #expect(Figures.timeMarks(to: 100) == [0, 15, 30, 45, 60, 75, 90])
        for magnitude in -12...18 {
            for digit in 1...9 {
                var most = Double(digit)
                for _ in 0..<abs(magnitude) { most *= magnitude > 0 ? 10 : 0.1 }
                #expect((2...12).contains(Figures.marks(to: most).count), "\(most)")
                #expect((2...12).contains(Figures.timeMarks(to: most).count), "\(most)")
            }
        }
        #expect(Figures.marks(to: 0) == [0] && Figures.marks(to: .infinity) == [0])
    }

    @Test("text of others cannot become markup, or end a string")
    func escaping() {
        #expect(
            Figures.escaped("<b a=\"1\" c='2'>&\u{1B}\n") == "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\u{FFFD}\n")
        #expect(TraceFile.quoted("a\"b\\c\n\u{1}ü") == #""a\"b\\c\u000a\u0001ü""#)
        #expect(TraceFile.microseconds(1_234_567) == "1234.567" && TraceFile.microseconds(5) == "0.005")
        #expect(TraceFile.microseconds(-5) == "0.000")
    }

    @Test("a run in which nothing was computed has a page, too")
    func emptyPage() {
        let page = RunReport().html
        #expect(page.contains("nothing to show") && page.hasSuffix("</html>\n") && !page.contains("nan"))
    }
}
