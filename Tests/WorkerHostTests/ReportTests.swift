import Glibc
import TestSupport
import Testing

/// `worker-host map --report` and `--trace`, as a shell runs them.
@Suite(.serialized) struct ReportTests {
    private let folder = TemporaryFolder()

    /// Runs a script, in which `$W` is worker-host and `$D` a folder.
    private func run(_ script: String) throws -> (output: String, exitCode: Int32?) {
        let program = try ChildProgram(
            "/bin/sh", ["-c", script],
            environment: [
                "W": BuildProducts.path(of: "worker-host"), "D": folder.path, "SWIFT_BACKTRACE": "enable=no",
            ],
            capturesOutput: true)
        return (program.readToEnd(), program.exitCode)
    }

    /// Reads a trace, and prints how many calls, elements and failures it has, and how many rows; fails if calls of a row overlap.
    private static let readTrace = """
        import json, sys, collections
        rows, named, elements, failed, lost = collections.defaultdict(list), set(), 0, 0, 0
        for event in json.load(open(sys.argv[1])):
            assert isinstance(event["name"], str) and event["pid"] > 0 and event["tid"] > 0
            if event["ph"] == "M" and event["name"] == "thread_name": named.add(event["tid"])
            if event["ph"] != "X": continue
            rows[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
            elements += event["args"]["elements"]; failed += event["args"]["failed"]; lost += "lost" in event["args"]
        for calls in rows.values():
            calls.sort()
            assert all(a[1] <= b[0] + 0.002 for a, b in zip(calls, calls[1:]))
        assert named == set(rows)
        print(sum(map(len, rows.values())), elements, failed, len(rows), lost)
        """

    /// Whether a page is well-formed, loads nothing, and has no script; prints its text.
    private static let readPage = """
        import html.parser, sys
        class Reader(html.parser.HTMLParser):
            void = {"meta", "br", "img", "input", "hr", "link"}
            def __init__(self): super().__init__(); self.open = []; self.text = []; self.counts = {}
            def handle_starttag(self, tag, attributes):
                assert tag not in ("script", "link", "img", "iframe"), tag
                for name, value in attributes: assert name not in ("src", "href") and not name.startswith("on"), name
                self.counts[tag] = self.counts.get(tag, 0) + 1
                if tag not in self.void: self.open.append(tag)
            def handle_startendtag(self, tag, attributes): self.counts[tag] = self.counts.get(tag, 0) + 1
            def handle_endtag(self, tag): assert self.open.pop() == tag, tag
            def handle_data(self, data): self.text.append(data)
        reader = Reader(); page = open(sys.argv[1], encoding="utf-8").read(); reader.feed(page)
        assert not reader.open, reader.open
        assert "://" not in page.replace("https://x", ""), "it loads something"
        print(reader.counts.get("svg"), reader.counts.get("rect", 0) > 3, " ".join(" ".join(reader.text).split()))
        """

    private func trace(_ name: String) throws -> [Int] {
        _ = folder.write(Self.readTrace, to: "trace.py")
        let read = try run("python3 $D/trace.py $D/\(name)")
        #expect(read.exitCode == 0, "\(read)")
        return read.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }

    private func page(_ name: String) throws -> String {
        _ = folder.write(Self.readPage, to: "page.py")
        let read = try run("python3 $D/page.py $D/\(name)")
        #expect(read.exitCode == 0, "\(read)")
        #expect(read.output.hasPrefix("3 True "), "\(read)")
        return read.output
    }

    @Test("a run leaves a page and a trace that agree with its output; what failed is in both, and is no markup")
    func wholeRun() throws {
        let ended = try run(
            """
            seq 1 300 | sed 's/^100$/<b>&<\\/b>/;s/^200$/x\\&y/' > $D/in
            $W map primes --workers 2 --chunk-size 5 --on-error skip --report $D/r.html --trace $D/t.json $D/in 2>$D/err | wc -l
            """)
        #expect(ended.output == "62\n", "\(ended)")
        let counts = try trace("t.json")
        #expect(
            counts.count == 5 && counts[0] == 60 && counts[1] == 300 && counts[2] == 2 && counts[4] == 0, "\(counts)")
        #expect((1...2).contains(counts[3]))
        let text = try page("r.html")
        for part in [
            "primes", "records done 298", "failed 2", "records per second", "time since the beginning", "Task times",
            "/in:100", "'<b>100</b>' is not", "/in:200", "'x&y' is not", "seconds",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
    }

    @Test("what compression came to is on the page, where it was asked for")
    func compression() throws {
        _ = try run(
            """
            seq 1 200000 > $D/in; head -c 1500000 /dev/urandom > $D/noise
            $W map cat --compress auto --block 256K --report $D/some.html < $D/in | cmp - $D/in
            cat $D/in $D/noise | $W map cat --compress 1 --by bytes:100000 --block 100000 --chunk-size 1 --report $D/mixed.html | wc -c
            $W map cat --block 256K --report $D/none.html < $D/in > $D/out
            """)
        let some = try page("some.html")
        // Numbers in a row take a third, or less.
        let share = some.firstMatch(of: /compressed to (\d+) %/).flatMap { Int($0.1) }
        #expect((10...40).contains(share ?? 0), "\(some)")
        #expect(some.contains(/compressed to \d+ % 2\.\d+MB/), "\(some)")
        #expect(try page("mixed.html").contains(/compressed to \d+ % (2[5-9]|30) left as they were/))
        #expect(!(try page("none.html")).contains("compressed"))
    }

    @Test("losses are shown, with what was run again")
    func losses() throws {
        let ended = try run(
            """
            seq 1 20 > $D/in; $W map --exec 'read n; [ $n = 7 ] && mkdir $D/once 2>/dev/null && kill -9 $PPID; echo $n' --block 1 \\
                --chunk-size 1 --workers 2 --retries 2 --report $D/r.html --trace $D/t.json $D/in | wc -l; rmdir $D/once
            """)
        #expect(ended.output == "20\n", "\(ended)")
        let counts = try trace("t.json")
        #expect(counts.count == 5 && counts[0] == 21 && counts[1] == 20 && counts[4] == 1, "\(counts)")
        let text = try page("r.html")
        #expect(text.contains("1 lost") && text.contains("1 run again"), "\(text)")
    }

    @Test("interrupted, it leaves both, and ends by the signal", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let ended = try run(
            """
            seq 1 100 > $D/in
            exec $W map --exec 'read n; [ $n = 30 ] && kill -\(signal) $(ps -o ppid= $PPID); [ $n -lt 30 ] || sleep 60; echo $n' \\
                --block 1 --workers 2 --chunk-size 1 --report $D/r.html --trace $D/t.json $D/in
            """)
        #expect(ended.exitCode == -signal, "\(ended)")
        let counts = try trace("t.json")
        // Those that are with the workers may not have been told.
        #expect(counts.count == 5 && counts[0] >= 20, "\(counts)")
        #expect(try page("r.html").contains("interrupted by \(signal == SIGINT ? "SIGINT" : "SIGTERM")"))
    }

    @Test("killed at once, it leaves a trace that can be read")
    func killed() throws {
        let ended = try run(
            """
            seq 1 3000 > $D/in
            $W map --exec 'read n; [ $n = 1750 ] && kill -9 $(ps -o ppid= $PPID); echo $n' --block 1 --chunk-size 1 --workers 2 \\
                --trace $D/t.json $D/in > /dev/null; echo $?
            """)
        #expect(ended.output.hasSuffix("137\n"), "\(ended)")
        let counts = try trace("t.json")
        #expect(counts.count == 5 && counts[0] > 300, "\(counts)")
    }

    @Test("a pipe gets a whole trace, too")
    func pipe() throws {
        let ended = try run(
            "mkfifo $D/t; cat $D/t > $D/t.json & seq 1 50 | $W map primes --chunk-size 1 --trace $D/t > /dev/null; wait"
        )
        #expect(ended.exitCode == 0, "\(ended)")
        #expect(try trace("t.json").prefix(2) == [50, 50])
    }

    @Test("what came out of a journal is told, and nothing computed has a page, too")
    func resumed() throws {
        let ended = try run(
            """
            seq 1 9 > $D/in; $W map primes --journal $D/j $D/in > /dev/null
            $W map primes --journal $D/j --resume --report $D/r.html --trace $D/t.json $D/in | wc -l; rm $D/j*
            """)
        #expect(ended.output == "4\n", "\(ended)")
        #expect(try trace("t.json") == [0, 0, 0, 0, 0])
        _ = folder.write(Self.readPage, to: "page.py")
        let read = try run("python3 $D/page.py $D/r.html")
        #expect(read.output.contains("records done 9 9 from the journal"), "\(read)")
        #expect(read.output.contains("nothing to show"), "\(read)")
    }

    @Test("a stop at a failure, and one that nobody can go on from, leave a page that says so")
    func stopped() throws {
        let stopped = try run("printf '2\\n3\\nfour\\n' | $W map primes --report $D/r.html; echo $?")
        #expect(stopped.output.hasSuffix("\n1\n"), "\(stopped)")
        #expect(try page("r.html").contains("stopped at a failure"))
    }

    @Test("what cannot be written is told before anything runs, or at the end: 74")
    func badPaths() throws {
        for option in ["--report", "--trace"] {
            let missing = try run("seq 1 9 | $W map primes \(option) $D/none/file; echo $?")
            #expect(
                missing.output
                    == "worker-host: \(folder.path)/none/file cannot be written: No such file or directory\n74\n")
            let full = try run("seq 1 9 | $W map primes \(option) /dev/full > $D/out; echo $?")
            #expect(
                full.output.hasSuffix("worker-host: /dev/full cannot be written: No space left on device\n74\n"),
                "\(full)")
        }
    }

    @Test("neither may be the input, the output, or the other")
    func collisions() throws {
        let ended = try run(
            """
            seq 1 9 > $D/in; cp $D/in $D/copy
            $W map primes --report $D/in $D/in; echo $?
            $W map primes --trace $D/in $D/in; echo $?
            $W map primes --trace $D/x --report $D/x $D/in; echo $?
            $W map primes --trace $D/x --output $D/x $D/in; echo $?
            cmp $D/in $D/copy && ls $D
            """)
        #expect(ended.output.split(separator: "\n").count { $0 == "64" } == 4, "\(ended)")
        #expect(ended.output.contains("and the report \(folder.path)/in are the same file"), "\(ended)")
        #expect(ended.output.hasSuffix("64\ncopy\nin\n"), "\(ended)")
    }
}
