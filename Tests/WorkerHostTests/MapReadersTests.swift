import TestSupport
import Testing

/// What `worker-host map` reads: folders, whole files, lines of JSON, what gzip made.
@Suite(.serialized) struct MapReadersTests {
    private let shell = Shell()

    private func run(_ script: String, _ place: SourceLocation = #_sourceLocation) throws -> Shell.Ended {
        try shell.run(script, place)
    }

    @Test("of JSON Lines blank ones are left out, but counted")
    func jsonLines() throws {
        let ended = try run(
            """
            printf '2\\r\\n\\n \\t\\n3\\nx\\n\\n\\n5\\ny' > $D/a
            $W map primes --by jsonl --on-error collect:$D/bad $D/a; cat $D/bad; $W map count --by jsonl --block 1 --sum $D/a
            cat $D/a | $W map primes --by jsonl --block 1 --on-error skip
            """)
        #expect(ended.output == "2\n3\n5\nx\ny\n5 5 16\n2\n3\n5\n", "\(ended)")
        for place in ["/a:5: ", "/a:9: ", "standard input:5: ", "standard input:9: "] {
            #expect(ended.errors.contains(place), "\(ended)")
        }
    }

    @Test("a folder is the files below it, by name; not hidden ones, nor what links lead back to")
    func folders() throws {
        let ended = try run(
            """
            mkdir -p $D/f/b/c $D/f/.hidden $D/f/empty; cd $D/f; echo 1 > a; echo 2 > b/c/x; echo 3 > b/d; echo 4 > b.txt
            echo no > .no; echo no > .hidden/no; ln -s .. b/up; ln -s ../../a b/c/link; ln -s nowhere broken; mkfifo pipe
            echo 5 > "$(printf 'z\\377')"
            $W map cat --input $D/f; echo; cd ..; $W map cat f/ f/b/d; $W map count --sum f/empty; echo $?; cat f/a | $W map cat - f/b/c
            $W map cat f -o f/a; echo $?; mkdir closed; rm -rf $D/f closed
            """)
        #expect(ended.output == "1\n1\n2\n3\n4\n5\n\n1\n1\n2\n3\n4\n5\n3\n0\n0\n1\n1\n2\n64\n", "\(ended)")
        #expect(ended.errors.contains("the input f/a and the output f/a are the same file"), "\(ended)")
    }

    @Test("with --by file each file is a record, an empty one, too")
    func wholeFiles() throws {
        let ended = try run(
            """
            mkdir $D/f; seq 100000 > $D/f/large; printf '7' > $D/f/p; : > $D/f/none; printf 'x\\ny\\n' > $D/f/z
            $W map --exec 'wc -c' --by file --block 1K $D/f | tr -d ' '; $W map primes --by file --on-error skip $D/f/p $D/f/z $D/f/none
            $W map primes --by file --on-error collect:$D/bad $D/f/none; wc -c < $D/bad; $W map --exec 'wc -l' --by file < $D/f/large | tr -d ' '; rm -r $D/f
            """)
        #expect(ended.output == "588895\n0\n1\n4\n7\n0\n100000\n", "\(ended)")
        #expect(!ended.errors.contains("not collected"), "\(ended)")
        #expect(ended.errors.contains("/f/z: \"primes\" threw") && ended.errors.contains("/f/none: \"primes\" threw"))
    }

    @Test("what gzip made is read as what it was made of, be it a file or a pipe, of one member or several")
    func gzip() throws {
        let ended = try run(
            """
            seq 200000 > $D/a; seq 5 > $D/b; gzip -c $D/a > $D/a.gz; { gzip -c $D/a; gzip -c $D/b; } > $D/two; cat $D/a $D/b > $D/both
            $W map cat $D/a.gz | cmp - $D/a && echo same; $W map cat --block 1K $D/two | cmp - $D/both && echo same
            cat $D/two | $W map cat --decompress always | cmp - $D/both && echo same; $W map cat < $D/a.gz | cmp - $D/a && echo same
            $W map cat $D/b $D/a.gz $D/b | wc -l; $W map cat --decompress never $D/a.gz | cmp - $D/a.gz && echo as it is
            $W map cat --by file $D/a.gz | cmp - $D/a.gz && echo as it is; $W map cat --by bytes:1K --decompress always $D/a.gz | cmp - $D/a && echo same
            printf '\\037' | $W map cat | od -An -tx1
            """)
        #expect(
            ended.output
                == "same\nsame\nsame\nsame\n200010\nas it is\nas it is\nsame\n 1f\n", "\(ended)")
        #expect(ended.errors.isEmpty, "\(ended)")
    }

    @Test("what is cut off or damaged is told with the file's name, after the results before it")
    func damagedGzip() throws {
        let ended = try run(
            """
            seq 200000 > $D/a; gzip -c $D/a > $D/a.gz; head -c 300000 $D/a.gz > $D/cut; { head -c -8 $D/a.gz; printf 12345678; } > $D/bad
            { cat $D/a.gz; echo more; } > $D/more
            for f in cut bad more; do $W map cat --block 1K $D/$f > $D/out; echo $?; cmp -n $(wc -c < $D/out) $D/out $D/a && tail -c 1 $D/out | od -An -c; done
            $W map cat --decompress always $D/a; echo $?; cat $D/cut | $W map cat > $D/out; echo $?
            """)
        #expect(ended.output == String(repeating: "66\n  \\n\n", count: 3) + "66\n66\n", "\(ended)")
        let folder = shell.folder.path
        for text in [
            "\(folder)/cut cannot be read: its gzip data ends in the middle\n",
            "\(folder)/bad cannot be read: its gzip data is damaged, at or before byte ",
            "\(folder)/more cannot be read: behind its gzip data there is something else, from byte ",
            "\(folder)/a cannot be read: its gzip data is damaged, at or before byte ",
            "standard input cannot be read: its gzip data ends in the middle\n",
        ] { #expect(ended.errors.contains(text), "\(ended)") }
    }
}
