// The plots of a report, as SVG. One unit is about a pixel of a wide window.
extension RunReport {
    /// Where in a picture the data is.
    private struct Frame {
        static let width = 1060.0
        let left = 78.0
        let right = 1040.0
        let top: Double
        let bottom: Double

        var height: Double { bottom + 46 }

        func x(_ share: Double) -> Double { left + (right - left) * min(max(share, 0), 1) }
        func y(_ share: Double) -> Double { bottom - (bottom - top) * min(max(share, 0), 1) }
    }

    private func picture(_ frame: Frame, name: String, _ parts: [String]) -> String {
        """
        <svg viewBox="0 0 \(number(Frame.width)) \(number(frame.height))" role="img" aria-label="\(name)">
        \(parts.joined(separator: "\n"))
        </svg>
        """
    }

    private func number(_ value: Double) -> String {
        let text = Figures.decimal(value, 2)
        return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
    }

    private func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        """
        <line class="\(style)" x1="\(number(x1))" y1="\(number(y1))" x2="\(number(x2))" y2="\(number(y2))"/>
        """
    }

    private func text(_ style: String, _ x: Double, _ y: Double, _ text: String) -> String {
        "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\">\(Figures.escaped(text))</text>"
    }

    private func rectangle(
        _ style: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double, opacity: Double = 1,
        title: String? = nil
    ) -> String {
        let shade = opacity < 0.995 ? " opacity=\"\(number(opacity))\"" : ""
        let start = """
            <rect class="\(style)" x="\(number(x))" y="\(number(y))" width="\(number(width))" height="\(number(height))"\(shade)
            """
        return title.map { "\(start)><title>\(Figures.escaped($0))</title></rect>" } ?? "\(start)/>"
    }

    /// The axis of the run's time, in seconds.
    private func timeAxis(_ frame: Frame, seconds: Double) -> [String] {
        let clock = seconds > 100
        var parts = Figures.timeMarks(to: seconds).flatMap { mark in
            let x = frame.x(mark / seconds)
            let label = clock ? Figures.time(mark * 1e9).split(separator: " ").first.map(String.init) ?? "" : nil
            return [
                line("grid", x, frame.top, x, frame.bottom),
                text("mid", x, frame.bottom + 17, mark == 0 ? "0" : label ?? Figures.short(mark)),
            ]
        }
        let unit = !clock ? "seconds" : seconds < 3600 ? "minutes:seconds" : "hours:minutes:seconds"
        parts.append(
            text("mid", (frame.left + frame.right) / 2, frame.bottom + 36, "time since the beginning (\(unit))"))
        return parts
    }

    /// An axis of numbers on the left.
    private func leftAxis(_ frame: Frame, to most: Double, _ name: String) -> [String] {
        var parts = Figures.marks(to: most).flatMap { mark in
            let y = frame.y(mark / most)
            return [
                line("grid", frame.left, y, frame.right, y), text("end", frame.left - 8, y + 4, Figures.short(mark)),
            ]
        }
        parts.append(
            """
            <text class="mid" transform="translate(16 \(number((frame.top + frame.bottom) / 2))) rotate(-90)">\
            \(Figures.escaped(name))</text>
            """)
        return parts
    }

    private func empty(_ frame: Frame, _ name: String) -> String {
        picture(frame, name: name, [text("mid", Frame.width / 2, frame.height / 2, "nothing to show")])
    }

    // MARK: Throughput

    var throughputChart: String {
        let frame = Frame(top: 18, bottom: 230)
        let bins = books.bins.bins
        let seconds = elapsed / 1e9
        let width = Double(books.bins.width) / 1e9
        guard !bins.isEmpty, seconds > 0 else { return empty(frame, "throughput") }
        // A bin that has only begun is as long as it is.
        let lengths = bins.indices.map { min(width, max(seconds - Double($0) * width, width / 100)) }
        let rates = bins.indices.map { bins[$0].elements / max(lengths[$0], 1e-9) }
        let failures = bins.indices.map { bins[$0].failures / max(lengths[$0], 1e-9) }
        let most = max(rates.max() ?? 0, 1e-9) * 1.08
        func points(_ values: [Double]) -> String {
            values.indices.flatMap { index in
                let y = number(frame.y(values[index] / most))
                let (start, end) = (Double(index) * width, Double(index) * width + lengths[index])
                return ["\(number(frame.x(start / seconds))),\(y)", "\(number(frame.x(end / seconds))),\(y)"]
            }.joined(separator: " ")
        }
        let end = frame.x((Double(bins.count - 1) * width + (lengths.last ?? 0)) / seconds)
        let floor = number(frame.bottom)
        var parts = leftAxis(frame, to: most, "\(elements) per second") + timeAxis(frame, seconds: seconds)
        parts.append(
            """
            <polygon class="area" points="\(number(frame.left)),\(floor) \(points(rates)) \(number(end)),\(floor)"/>
            """)
        parts.append("<polyline class=\"line\" points=\"\(points(rates))\"/>")
        if failures.contains(where: { $0 > 0 }) {
            parts.append("<polyline class=\"badline\" points=\"\(points(failures))\"/>")
            parts += legend(frame, [("work", "done"), ("bad", "failed")])
        }
        return picture(frame, name: "\(elements) per second over time", parts)
    }

    /// At the right of the axis' name.
    private func legend(_ frame: Frame, _ entries: [(style: String, name: String)]) -> [String] {
        var x = frame.right
        return entries.reversed().flatMap { entry in
            x -= Double(entry.name.count) * 7 + 24
            return [
                rectangle(entry.style, x, frame.bottom + 27, 10, 10), text("", x + 15, frame.bottom + 36, entry.name),
            ]
        }
    }

    // MARK: What workers did

    var timelineChart: String {
        let rows = books.timelines.rows
        let seconds = elapsed / 1e9
        let step = rows.count <= 24 ? 24.0 : max(6, 576 / Double(rows.count))
        let frame = Frame(top: 14, bottom: 14 + max(Double(rows.count), 2) * step)
        guard !rows.isEmpty, seconds > 0 else { return empty(frame, "what each worker did when") }
        var parts = timeAxis(frame, seconds: seconds)
        let labelled = max(1, Int((14 / step).rounded(.up)))
        var hasFailures = false
        for (index, row) in rows.enumerated() {
            let y = frame.top + Double(index) * step + step * 0.14
            let height = step * 0.72
            parts.append(rectangle("row", frame.left, y, frame.right - frame.left, height))
            if index % labelled == 0 { parts.append(text("end", frame.left - 8, y + height / 2 + 4, "\(index + 1)")) }
            for span in row.spans {
                hasFailures = hasFailures || span.failures > 0
                parts.append(bar(span, frame, y, height, seconds))
            }
            for loss in row.losses {
                let x = frame.x(Double(loss.time) / 1e9 / seconds)
                parts.append(
                    rectangle(
                        "bad", x - 2, y - step * 0.1, 4, height + step * 0.2,
                        title:
                            "process \(loss.processID) was lost at \(Figures.time(Double(loss.time))): \(loss.reason)"))
            }
        }
        parts.append(
            """
            <text class="mid" transform="translate(16 \(number((frame.top + frame.bottom) / 2))) rotate(-90)">worker</text>
            """)
        var entries = [("work", "works")]
        if hasFailures { entries.append(("some", "with failures")) }
        if books.timelines.lossCount > 0 { entries.append(("bad", "worker lost")) }
        parts += legend(frame, entries)
        return picture(frame, name: "what each worker did when", parts)
    }

    private func bar(
        _ span: WorkerTimelines.Span, _ frame: Frame, _ y: Double, _ height: Double, _ seconds: Double
    ) -> String {
        let (start, end) = (frame.x(Double(span.began) / 1e9 / seconds), frame.x(Double(span.ended) / 1e9 / seconds))
        let length = Double(max(1, span.ended - span.began))
        var title = "\(Figures.time(Double(span.began))) to \(Figures.time(Double(span.ended)))"
        title += ": \(Figures.count(span.elements)) \(span.elements == 1 ? element : elements)"
        if span.failures > 0 { title += ", \(Figures.count(span.failures)) failed" }
        if span.calls > 1 { title += " in \(Figures.count(span.calls)) calls, busy \(Figures.time(Double(span.busy)))" }
        // Narrower than half a pixel it would not be seen.
        return rectangle(
            span.failures > 0 ? "some" : "work", start, y, max(end - start, 0.5), height,
            opacity: 0.25 + 0.75 * min(Double(span.busy) / length, 1), title: title)
    }

    // MARK: Task times

    var timesChart: String {
        let frame = Frame(top: 18, bottom: 210)
        let groups = books.times.groups(most: 40)
        guard !groups.isEmpty else { return empty(frame, "task times") }
        let most = Double(groups.map(\.count).max() ?? 1) * 1.08
        var parts = leftAxis(frame, to: most, elements)
        let width = (frame.right - frame.left) / Double(groups.count)
        for (index, group) in groups.enumerated() {
            let x = frame.left + Double(index) * width
            let y = frame.y(Double(group.count) / most)
            if group.count > 0 {
                parts.append(
                    rectangle(
                        "work", x + 1, min(y, frame.bottom - 1), width - 2, max(frame.bottom - y, 1),
                        title: """
                            \(Figures.time(group.from)) to \(Figures.time(group.to)): \(Figures.count(group.count)) \
                            \(group.count == 1 ? element : elements)
                            """))
            }
            if index % max(1, Int((72 / width).rounded(.up))) == 0 {
                parts.append(text("mid", x, frame.bottom + 17, Figures.time(group.from)))
            }
        }
        parts.append(
            text(
                "mid", (frame.left + frame.right) / 2, frame.bottom + 36,
                "time for a \(element) (each step is the same factor)"))
        return picture(frame, name: "how many \(elements) took how long", parts)
    }
}
