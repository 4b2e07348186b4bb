extension RunReport {
    /// The whole page: no script, nothing from elsewhere.
    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(escaped(functionName)) – worker-host map</title>
        <style>
        \(Self.style)</style>
        </head>
        <body>
        <header>
        <h1>\(escaped(functionName))</h1>
        <p class="command"><code>\(escaped(command))</code></p>
        <p class="note">began \(escaped(beginning))</p>
        \(ending.map { "<p class=\"ending\">\(escaped($0))</p>" } ?? "")
        </header>
        <section class="tiles">
        \(tiles)
        </section>
        \(section("Throughput", "\(elements) a second, over the time of the run", throughputChart))
        \(section("Workers", timelineNote, timelineChart))
        \(section("Task times", timesNote, timesChart))
        \(section("Failures", failuresNote, failureTable))
        </body>
        </html>

        """
    }

    private func escaped(_ text: String) -> String { Figures.escaped(text) }

    private func section(_ title: String, _ note: String, _ content: String) -> String {
        """
        <section>
        <h2>\(title)</h2>
        <p class="note">\(escaped(note))</p>
        \(content)
        </section>
        """
    }

    private var tiles: String {
        var tiles: [(name: String, value: String, note: String)] = [
            ("time", Figures.time(elapsed), ""),
            ("\(elements) done", Figures.count(done), resumed > 0 ? "\(Figures.count(resumed)) from the journal" : ""),
            ("failed", Figures.count(failed), retriesNote),
            ("rate", elapsed > 0 ? "\(Figures.short(Double(computed) / elapsed * 1e9))/s" : "–", "\(elements)"),
            ("time for a \(element)", Figures.time(books.times.mean), "mean"),
        ]
        let losses = books.timelines.lossCount
        tiles.append(
            (
                "workers", Figures.count(books.workers),
                losses > 0 ? "\(Figures.count(losses)) lost" : maxWorkers.map { "\($0) at a time" } ?? ""
            ))
        if let utilization {
            tiles.append(("busy", "\(Int((utilization * 100).rounded())) %", "of their time"))
        }
        if let compression {
            let (sent, received) = (compression.arguments, compression.results)
            let (large, small) = (
                Double(sent.originalBytes) + Double(received.originalBytes),
                Double(sent.compressedBytes) + Double(received.compressedBytes)
            )
            let incompressible = sent.incompressible + received.incompressible
            tiles.append(
                (
                    "compressed", large > 0 ? "to \(Int((small / large * 100).rounded())) %" : "nothing",
                    incompressible > 0
                        ? "\(Figures.count(incompressible)) left as they were"
                        : large > 0 ? "\(Figures.short(large))B" : ""
                ))
        }
        return tiles.map {
            """
            <div class="tile"><div class="name">\(escaped($0.name))</div>\
            <div class="value">\(escaped($0.value))</div><div class="note">\(escaped($0.note))</div></div>
            """
        }.joined(separator: "\n")
    }

    private var computed: Int { max(0, done + failed - resumed) }

    private var retriesNote: String { retried > 0 ? "\(Figures.count(retried)) run again" : "" }

    private var timelineNote: String {
        var note = "what each worker did when; point at a bar for more"
        if books.timelines.resolution > 0 {
            note += "; calls less than \(Figures.time(Double(books.timelines.resolution))) apart are one bar"
        }
        return note
    }

    private var timesNote: String {
        guard books.times.count > 0 else { return "nothing was computed" }
        let (half, most) = (books.times.quantile(0.5), books.times.quantile(0.95))
        return """
            how many \(elements) took how long: half of them at most \(Figures.time(half)), 95 % at most \(Figures.time(most)), the \
            longest \(Figures.time(books.times.longest)); \(elements) that went to a worker together share its time evenly
            """
    }

    private var failuresNote: String {
        if failed == 0 { return "none" }
        if failures.count < failed { return "the first \(failures.count) of \(Figures.count(failed))" }
        return failed == 1 ? "one \(element)" : "\(Figures.count(failed)) \(elements)"
    }

    private var failureTable: String {
        if failures.isEmpty { return "" }
        let rows = failures.map {
            "<tr><td><code>\(escaped($0.place))</code></td><td>\(escaped($0.message))</td></tr>"
        }
        return """
            <table>
            <thead><tr><th>where</th><th>what</th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            """
    }

    private static let style = """
        :root {
          --page: #ffffff; --card: #f6f7f9; --ink: #1c2127; --faint: #626c78; --grid: #dde1e6;
          --work: #2f6fb3; --fill: #2f6fb333; --bad: #c8431f; --warn: #d98b00;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171b; --card: #1d2228; --ink: #e6e9ed; --faint: #98a2ae; --grid: #333a42;
            --work: #64a6ea; --fill: #64a6ea33; --bad: #ff7a59; --warn: #f0b040;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 28px 24px 60px; max-width: 1120px; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
        }
        h1 { margin: 0; font-size: 28px; overflow-wrap: anywhere; }
        h2 { margin: 34px 0 0; font-size: 18px; }
        p { margin: 4px 0 10px; }
        code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        .command { color: var(--faint); }
        .note { color: var(--faint); font-size: 13px; }
        .ending { color: var(--bad); font-weight: 600; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin-top: 20px; }
        .tile { background: var(--card); border-radius: 8px; padding: 10px 14px; }
        .tile .name { color: var(--faint); font-size: 13px; }
        .tile .value { font-size: 21px; font-weight: 600; white-space: nowrap; }
        .tile .note { min-height: 19px; }
        svg { display: block; width: 100%; height: auto; background: var(--card); border-radius: 8px; }
        svg text { fill: var(--faint); font-size: 12px; font-family: inherit; }
        svg .end { text-anchor: end; } svg .mid { text-anchor: middle; }
        svg .grid { stroke: var(--grid); stroke-width: 1; }
        svg .line { fill: none; stroke: var(--work); stroke-width: 1.8; stroke-linejoin: round; }
        svg .area { fill: var(--fill); }
        svg .bad { fill: var(--bad); } svg .badline { fill: none; stroke: var(--bad); stroke-width: 1.5; }
        svg .work { fill: var(--work); } svg .some { fill: var(--warn); }
        svg .row { fill: var(--grid); opacity: 0.45; }
        table { border-collapse: collapse; width: 100%; }
        th { text-align: left; color: var(--faint); font-size: 13px; font-weight: 600; }
        th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
        td { overflow-wrap: anywhere; } td:first-child { width: 34%; }

        """
}
