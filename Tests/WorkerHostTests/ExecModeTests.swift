import TestSupport
import Testing

/// `worker-host map --exec-mode lines`: a program that answers line by line.
@Suite(.serialized) struct ExecModeTests {
    private let shell = Shell()

    private func run(_ script: String, _ place: SourceLocation = #_sourceLocation) throws -> Shell.Ended {
        try shell.run(script, place)
    }

    @Test("each worker starts it once, and answers come in the order of the lines")
    func startedOnce() throws {
        let ended = try run(
            """
            seq 5000 > $D/input
            $W map --exec-mode lines --workers 2 --block 100 --exec 'echo run >> $D/runs; exec sed -u "s/^/number /"' $D/input > $D/output; echo $?
            sed 's/^/number /' $D/input | cmp - $D/output && echo same
            runs=$(wc -l < $D/runs); [ $runs -ge 1 ] && [ $runs -le 2 ] && echo once
            printf 'a\\0b\\nc\\0d' | $W map --exec-mode lines --by null --exec 'exec sed -u -z "s/^/x/"' | od -An -c | tr -d ' '
            printf '1\\n\\n2' | $W map --exec-mode lines --by jsonl --exec 'exec sed -u p\\;d'; : | $W map --exec-mode lines --exec 'exit 3'; echo $?
            """)
        #expect(ended.output == "0\nsame\nonce\nxa\\0xb\\nc\\0xd\\0\n1\n2\n0\n", "\(ended)")
        #expect(ended.errors.isEmpty, "\(ended)")
    }

    @Test("large blocks of long lines go through a program that reads and writes by turns as it likes")
    func noDeadlock() throws {
        let ended = try run(
            """
            seq -f '%020g' 50000 > $D/input; $W map --exec-mode lines --block 1M --exec 'exec sed -u s/0/o/' $D/input > $D/output; echo $?
            sed s/0/o/ $D/input | cmp - $D/output && echo same
            # Reads a thousand lines before it writes them.
            $W map --exec-mode lines --block 8M --workers 1 --exec "exec sed -u -n 'H; 0~1000 { x; s/^\\n//; p; s/.*//; x }'" \\
                $D/input | cmp - $D/input && echo same
            """)
        #expect(ended.output == "0\nsame\nsame\n", "\(ended)")
        #expect(ended.errors.isEmpty, "\(ended)")
    }

    @Test("a program that ends, or says too much, costs its block, and the next has a new one")
    func failures() throws {
        let ended = try run(
            """
            seq 6 | $W map --exec-mode lines --workers 1 --block 4 --on-error skip --exec '
                echo run >> $D/runs; while read n; do [ $n != 4 ] || exit 7; echo $n; done'; echo $?; wc -l < $D/runs
            seq 6 | $W map --exec-mode lines --workers 1 --block 4 --on-error skip --exec '
                while read n; do if [ $n = 4 ]; then printf "4\\nmore\\n"; else echo $n; fi; done'; echo $?
            seq 2 | $W map --exec-mode lines --exec 'exit 3'; echo $?
            """)
        #expect(ended.output == "1\n2\n5\n6\n2\n2\n1\n2\n5\n6\n2\n1\n", "\(ended)")
        #expect(
            ended.errors.contains("block at byte 4: ")
                && ended.errors.contains("exited with 7 after 1 answers to 2 lines"))
        #expect(ended.errors.contains("wrote more than 2 answers to 2 lines"), "\(ended)")
        #expect(ended.errors.contains("exited with 3 after 0 answers to 2 lines"), "\(ended)")
    }

    @Test("one that keeps its answers to itself is ended by the timeout")
    func silent() throws {
        let ended = try run(
            "seq 3 | $W map --exec-mode lines --timeout 1s --exec 'exec tail -n 1'; echo $?; seq 3 | $W map --exec-mode lines --exec 'exec cat'"
        )
        #expect(ended.output == "1\n1\n2\n3\n", "\(ended)")
        #expect(ended.errors.contains("ran longer than its --timeout of 1"), "\(ended)")
    }
}
