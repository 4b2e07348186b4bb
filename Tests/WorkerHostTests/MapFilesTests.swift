import TestSupport
import Testing

/// What `worker-host map` does to files, and what it leaves of them.
@Suite(.serialized) struct MapFilesTests {
    private let shell = Shell()

    private func run(_ script: String, _ place: SourceLocation = #_sourceLocation) throws -> Shell.Ended {
        try shell.run(script, place)
    }

    @Test(
        "a file that may not become larger ends with a whole result, one that is appended to and one that others write to, too"
    )
    func fullDisk() throws {
        // Limits are in units of 512 bytes, and of pages for what a pool needs itself; no line ends there.
        let ended = try run(
            """
            seq -f 'a line with the number %g' 100000 > $D/input; ulimit -c 0
            (ulimit -f 1000; $W map cat --block 100 $D/input -o $D/file); echo $?; tail -c 1 $D/file | od -An -c
            [ $(wc -c < $D/file) -gt 511900 ] && cmp -n $(wc -c < $D/file) $D/file $D/input && echo same
            printf 'head\\n' > $D/appended
            (ulimit -f 1000; $W map cat --block 100 $D/input >> $D/appended; echo $?; echo end >> $D/appended); tail -n 1 $D/appended
            (ulimit -f 1000; { $W map cat --block 100 $D/input; echo $?  >&3; echo end; } 3>&1 > $D/shared); tail -n 2 $D/shared | cut -c 1-6
            """)
        #expect(ended.output == "74\n  \\n\nsame\n74\nend\n74\na line\nend\n", "\(ended)")
        #expect(ended.errors.contains("worker-host: \(shell.folder.file("file")) cannot be written: File too large"))
    }

    @Test("what others have in the file is not cut off")
    func sharedFile() throws {
        let ended = try run(
            """
            seq -f 'a line with the number %g' 100000 > $D/input; seq 100000 > $D/file; cp $D/file $D/before
            (ulimit -f 1000; $W map cat --block 100 $D/input 1<> $D/file); echo $?
            [ $(wc -c < $D/file) = $(wc -c < $D/before) ] && tail -c +512001 $D/before > $D/tail && tail -c +512001 $D/file | cmp - $D/tail && echo same
            """)
        #expect(ended.output == "74\nsame\n", "\(ended)")
    }

    @Test("names of files are any bytes, and messages show them")
    func names() throws {
        let ended = try run(
            """
            f=$(printf "$D/n\\\\377\\\\303me \\\\364\\\\217\\\\277\\\\277"); printf '2\\nx\\n3\\n' > "$f"
            $W map primes --on-error "collect:$f.bad" "$f" --output="$f.out" --input "$f"; echo $?; cat "$f.bad" "$f.out"
            $W map count --sum "$f" -o "$f"; echo $?; $W map cat "$f.none"; echo $?; rm "$f"*
            """)
        #expect(ended.output == "2\nx\nx\n2\n3\n2\n3\n64\n66\n", "\(ended)")
        let name = "\(shell.folder.path)/n\\xff\\xc3me \\xf4\\x8f\\xbf\\xbf"
        for text in [
            "worker-host: \(name):2: ", "the input \(name) and the output \(name) are the same file",
            "worker-host: \(name).none cannot be read: No such file",
        ] { #expect(ended.errors.contains(text), "\(ended)") }
    }

    @Test("a file that is cut while a command reads it is an error, and no result is made of what there was")
    func cutFile() throws {
        let ended = try run(
            """
            seq 1000000 > $D/input
            $W map --exec 'read first; truncate -s 0 $D/input; cat > $D/seen; echo done' --block 1G $D/input; echo $?
            """)
        #expect(ended.output == "1\n", "\(ended)")
        #expect(
            ended.errors.contains("input has 0 bytes, and a piece of 6888896 bytes at 0 was to be read"), "\(ended)")
    }

    @Test("the report and the trace have any names")
    func namesOfReports() throws {
        let ended = try run(
            """
            f=$(printf "$D/r\\351"); seq 3 | $W map cat --report "$f.html" --trace "$f.json" > $D/out; echo $?
            grep -c '<html' "$f.html"; tail -n 1 "$f.json"; $W map cat --report "$f.html" "$f.html"; echo $?
            """)
        #expect(ended.output == "0\n1\n]\n64\n", "\(ended)")
    }

    @Test("a record without an end is told before the whole file is in memory, unless workers read it")
    func endlessRecord() throws {
        let ended = try run(
            """
            truncate -s 3G $D/input; ulimit -v 8000000
            $W map primes $D/input; echo $?; $W map primes --by file $D/input; echo $?
            $W map --exec 'wc -c' $D/input
            """)
        #expect(ended.output == "66\n66\n3221225472\n", "\(ended)")
        #expect(ended.errors.contains("a record does not end within 1074790400 bytes behind byte 0"), "\(ended)")
        #expect(ended.errors.contains("it has 3221225472 bytes, and 1 GiB is the most that can be sent"), "\(ended)")
    }

    @Test("what may be collected counts as memory until its turn has come")
    func boundedCollecting() throws {
        // The first block waits until all is read, for a while.
        let ended = try run(
            """
            { echo first; head -c 30000000 /dev/zero | tr '\\0' '\\n'; : > $D/fed; } |
            $W map --workers 2 --max-memory 4M --on-error collect:$D/bad \\
                --exec 'read a; [ "$a" = first ] || exec cat > /dev/null; for i in $(seq 200); do [ -e $D/fed ] && break; sleep 0.01; done; ls $D' |
            grep -c fed
            """)
        #expect(ended.output == "0\n", "\(ended)")
    }

    @Test("what failed is collected as it was: no byte is lost, and no two records become one")
    func collectedBytes() throws {
        let ended = try run(
            """
            printf 'x\\r\\n7\\r\\n\\377\\r\\ny' > $D/a; printf '\\303z\\n5' > $D/b; cat $D/a | $W map primes --on-error collect:$D/bad - $D/b
            od -An -c -v $D/bad | tr -d ' \\n'; echo
            $W map primes --by null --unordered --chunk-size 1 --on-error collect:$D/bad $D/b; od -An -c $D/bad | tr -d ' '
            $W map --exec 'exit 1' --block 1 --on-error collect:$D/bad $D/a $D/b; od -An -c -v $D/bad | tr -d ' \\n'; echo
            printf 'one\\r\\ntwo\\r\\nthree' | $W map matching --argument '^t' | od -An -c | tr -d ' '
            """)
        #expect(
            ended.output == """
                7
                5
                x\\r\\n377\\r\\ny\\n303z\\n
                303z\\n5\\0
                x\\r\\n7\\r\\n377\\r\\ny\\n303z\\n5\\n
                two\\r\\nthree\\n

                """, "\(ended)")
    }

    @Test("a block whose file is gone fails, and what cannot be collected is told")
    func goneFile() throws {
        let ended = try run(
            """
            seq 1 3 > $D/input; seq 1 3 > $D/other
            $W map --exec "rm -f $D/input; cat; exit 3" --block 2 --workers 1 --on-error collect:$D/bad $D/input $D/other; echo $?
            cat $D/bad
            """)
        #expect(ended.output == "2\n1\n2\n3\n", "\(ended)")
        #expect(
            ended.errors.contains("input, block at byte 0: what failed there is not collected: opening"), "\(ended)")
        #expect(ended.errors.hasSuffix("worker-host: 6 of 6 failed\n"), "\(ended)")
    }

    @Test("a run that could not begin leaves no journal that stands in the way")
    func journalOfNothing() throws {
        let ended = try run(
            """
            seq 3 > $D/input; : > $D/empty
            $W map cat --journal $D/j /proc/self/mem; echo $?; $W map count --journal $D/j $D/empty; echo $?
            $W map cat --journal $D/j $D/input; echo $?; $W map cat --journal $D/j $D/input; echo $?
            """)
        #expect(ended.output == "66\n0\n1\n2\n3\n0\n73\n", "\(ended)")
    }

    @Test("a timeout that comes from a journal is told in the words of the option, too")
    func timeoutOfJournal() throws {
        let ended = try run(
            """
            seq 1 > $D/input
            for i in 1 2; do $W map --exec 'exec sleep 1000' --timeout 300ms --on-error skip --journal $D/j --resume $D/input; echo $?; done
            """)
        #expect(ended.output == "2\n2\n", "\(ended)")
        #expect(ended.errors.matches(of: /ran longer than its --timeout of 0\.3/).count == 2, "\(ended)")
    }

    @Test("- as the output is standard output")
    func outputToStandardOutput() throws {
        let ended = try run("cd $D && seq 3 | $W map cat -o - && [ ! -e ./- ] && echo none")
        #expect(ended.output == "1\n2\n3\nnone\n", "\(ended)")
    }

    @Test("messages wait for a reader who is slow, though somebody has made the pipe one that does not block")
    func slowReaderOfMessages() throws {
        let ended = try run(
            """
            long=$(printf '%04000d' 0)
            { dd if=/dev/null oflag=nonblock status=none 1>&2
              seq 100 | $W map --block 1 --on-error skip --exec "read n; [ \\$n != 100 ] || : > $D/go; exit 3 # $long"; } 2>&1 |
            { until [ -e $D/go ]; do sleep 0.01; done; grep -c "block at byte"; }
            """)
        #expect(ended.output == "100\n", "\(ended)")
    }

    @Test("a worker with too much memory is told of in the words of the option")
    func workerMemory() throws {
        let command = "head -c 200M /dev/zero; exec sleep 1000"
        let ended = try run("seq 3 | $W map --worker-memory 100M --exec '\(command)'; echo $?")
        #expect(ended.output == "1\n", "\(ended)")
        #expect(ended.errors.contains("it had more than --worker-memory, and the pool killed it"), "\(ended)")
    }
}
