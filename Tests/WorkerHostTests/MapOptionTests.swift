import Glibc
import TestSupport
import Testing

/// Options of `worker-host map` that no other test is about.
@Suite(.serialized) struct MapOptionTests {
    private let shell = Shell()

    private func run(_ script: String, _ place: SourceLocation = #_sourceLocation) throws -> Shell.Ended {
        try shell.run(script, place)
    }

    @Test(
        "with --ordered the first result waits for nobody, and with --unordered for all others if it has to",
        .timeLimit(.minutes(2)))
    func order() throws {
        let ended = try run(
            """
            seq 3 | $W map --ordered --workers 2 --chunk-size 1 --block 1 --exec \\
              'read n; if [ $n = 1 ]; then until [ -e $D/go ]; do sleep 0.01; done; else : > $D/go; fi; echo $n'
            # The first one is held up until another's result has been read.
            rm $D/go; seq 3 | $W map --unordered --workers 2 --chunk-size 1 --block 1 --exec \\
              'read n; if [ $n = 1 ]; then until [ -e $D/go ]; do sleep 0.01; done; fi; echo $n' |
              while read n; do echo $n; : > $D/go; done > $D/unordered
            head -n 1 $D/unordered | grep -c '[23]'; sort $D/unordered
            """)
        #expect(ended.output == "1\n2\n3\n1\n1\n2\n3\n", "\(ended)")
    }

    @Test("--workers is how many processes there are, --chunk-size how many blocks they are given at once")
    func workers() throws {
        let ended = try run(
            """
            seq 60 | $W map --workers 1 --block 1 --exec 'echo $PPID' | sort -u | wc -l
            # Both wait until the other one has begun.
            seq 2 | $W map --workers 2 --chunk-size 1 --block 1 --exec 'read n; : > $D/$n; until [ -e $D/$((3 - n)) ]; do sleep 0.01; done; echo $PPID' |
                sort -u | wc -l
            seq 60 | $W map --workers 2 --chunk-size 60 --block 1 --exec 'echo $PPID' | sort -u | wc -l
            """)
        #expect(ended.output == "1\n2\n1\n", "\(ended)")
    }

    @Test("--block is how much a block has at least, --by bytes:N what it is made of")
    func blocks() throws {
        let ended = try run(
            """
            seq 100000 > $D/input; $W map --exec 'wc -c' --block 100K $D/input | head -n -1 | awk '$1 < 102400 || $1 > 102500' | wc -l
            $W map --exec 'wc -c' --by bytes:1000 --block 2500 $D/input | sort -u | tr -d ' '
            """)
        #expect(ended.output == "0\n2895\n3000\n" || ended.output == "0\n3000\n895\n", "\(ended)")
    }

    @Test(
        "on a terminal the run tells how far it is, and takes that away again; not with --progress never",
        arguments: ["auto", "never"])
    func progress(when: String) throws {
        // As posix_openpt(3), unlockpt(3) and ptsname(3) do it, which Glibc does not show to Swift; see ioctl_tty(2).
        let (setLock, getNumber) = (UInt(0x4004_5431), UInt(0x8004_5430))
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        defer { close(master) }
        var (lock, number) = (Int32(0), Int32(-1))
        let isReady = ioctl(master, setLock, &lock) == 0 && ioctl(master, getNumber, &number) == 0
        try #require(isReady)
        let terminal = "/dev/pts/\(number)"
        let ended = try run(
            "seq 100000 > $D/input; TERM=ansi $W map cat --block 10K --progress \(when) $D/input 2> \(terminal) | cmp - $D/input && echo same"
        )
        #expect(ended.output == "same\n", "\(ended)")
        var (bytes, piece) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        // The kernel hands on what was written by and by; when it has handed on all, and nobody has the terminal, EIO.
        while case let count = read(master, &piece, piece.count), count > 0 { bytes += piece[..<count] }
        try #require(errno == EIO)
        let shown = String(decoding: bytes, as: UTF8.self)
        if when == "never" { return #expect(shown.isEmpty) }
        #expect(shown.contains(" %, ") && shown.contains("B/s"), "\(shown.debugDescription)")
        #expect(shown.hasSuffix("\r\u{1B}[K"), "\(shown.debugDescription)")
    }

    @Test("--max-memory bounds what is read ahead of who takes the results")
    func maxMemory() throws {
        let ended = try run(
            """
            mkfifo $D/fifo; seq 1000000 > $D/input; $W map cat --max-memory 200K --block 10K - < $D/input > $D/fifo & pid=$!
            exec 3< $D/fifo; taken=0; most=0
            while [ $taken -lt 6888896 ]; do
              head -c 100000 <&3 >> $D/output; taken=$(wc -c < $D/output)
              ahead=$(( $(sed -n 's/^pos:\\t//p' /proc/$pid/fdinfo/0 || echo 0) - taken )); [ $ahead -le $most ] || most=$ahead
            done 2>&-
            wait $pid; [ $most -gt 0 ] && [ $most -lt 2000000 ] && echo bounded; cmp $D/output $D/input && echo whole
            """)
        #expect(ended.output == "bounded\nwhole\n", "\(ended)")
    }
}
