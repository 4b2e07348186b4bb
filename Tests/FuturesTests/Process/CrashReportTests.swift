import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// What is left of the standard error of real crashes.
    @Suite(.enabled(if: WorkerLossTests.crashesArePlain && !hasAddressSanitizer, "sanitizers report in their own way"))
    struct RealCrashTests {
        private func tail(_ manner: String, _ backtrace: CrashBacktrace, environment: [String: String] = [:]) throws
            -> String
        {
            let end = try Victim(Victim.command(manner, environment: environment), backtrace: backtrace).end()
            #expect(end.status.isSignal)
            let tail = end.tail
            #expect(tail.split(separator: "\n").count <= ErrorTail.lineLimit, "\(tail)")
            #expect(!tail.contains("Registers:") && !tail.contains("Backtracing from"), "\(tail)")
            return tail
        }

        @Test("a trap shows its line, and the functions that led to it with their files", .proves(.P5))
        func symbolised() throws {
            try Leftovers.check {
                let tail = try tail("trap", .symbolised)
                #expect(
                    tail.contains("test_worker/Victim.swift:") && tail.contains("Fatal error: the tank is empty"),
                    "\(tail)")
                let stack = tail.split(separator: "\n").drop { !$0.hasSuffix("crashed:") }
                #expect(stack.dropFirst().first?.contains("fail(_:) in test-worker at /") == true, "\(tail)")
                #expect(
                    stack.contains {
                        $0.contains("follow(_:orElse:) in test-worker at /") && $0.contains("/Victim.swift:")
                    })
                #expect(!tail.contains("_assertionFailure"), "\(tail)")
            }
        }

        @Test("names only is less, off is the message only")
        func less() throws {
            try Leftovers.check {
                let fast = try tail("trap", .fast)
                #expect(
                    fast.contains("Fatal error: the tank is empty") && fast.contains("follow(_:orElse:)"), "\(fast)")
                let off = try tail("trap", .off)
                #expect(off.contains("Fatal error: the tank is empty") && !off.contains("crashed:"), "\(off)")
            }
        }

        @Test("an endless recursion shows both ends, and what repeats once")
        func recursion() throws {
            try Leftovers.check {
                let tail = try tail("recurse", .symbolised)
                #expect(tail.contains("more of the same"), "\(tail)")
                #expect(tail.contains("static Victim.run("), "\(tail)")
                #expect(tail.split(separator: "\n").count < 25, "\(tail)")
            }
        }

        @Test("what the user's environment says of backtraces counts", arguments: ["enable=no", ""])
        func environment(value: String) throws {
            try Leftovers.check {
                let tail = try tail("trap", .symbolised, environment: ["SWIFT_BACKTRACE": value])
                #expect(tail.contains("crashed:") == value.isEmpty, "\(tail)")
            }
        }

        @Test("without swift-backtrace there are no warnings, and the message is there")
        func missing() throws {
            try Leftovers.check {
                let tail = try tail("trap", .symbolised, environment: ["SWIFT_ROOT": "/nowhere"])
                #expect(tail.contains("Fatal error: the tank is empty"), "\(tail)")
                #expect(!tail.contains("unable to locate"), "\(tail)")
            }
        }
    }
}

@Suite struct CrashReportTests {
    private func tail(_ text: String, isCut: Bool = false) -> [String] {
        ErrorTail.text(of: Array(text.utf8), isCut: isCut).split(separator: "\n").map(String.init)
    }

    @Test("the message, the crashed thread's stack, and nothing of registers, libraries and other threads")
    func report() {
        let text = """
            reading page 7
            Pages/Reader.swift:12: Fatal error: Index out of range

            *** Signal 4: Backtracing from 0x7f84638f9361... done ***

            *** Program crashed: Illegal instruction at 0x00007f84638f9361 ***

            Platform: x86_64 Linux (Debian GNU/Linux 12 (bookworm))

            Thread 0 "program":

              0 0x00007f0000000001 wait + 1 in libc.so.6

            Thread 1 "reader" crashed:

              0                0x00007f84638f9361 _assertionFailure(_:_:file:line:flags:) + 225 in libswiftCore.so
              1 [ra]           0x000056416ca4db86 Reader.page(_:) + 117 in program at /home/me/Reader.swift:12:25
              2 [ra] [inlined] 0x000056416ca4db86 read(_:) in program at /home/me/Reader.swift:4:7
              3 [ra]           0x000056416ca4d78e callback + 29 in libpages.so
              4 [ra]           0x000056416ca40001
            ...

            Registers:

            rax 0x0000000000000000  0

            Images (13 omitted):

            0x000056416ca00000–0x000056416ca4e000 93ac6 program /home/me/program

            Backtrace took 0.02s
            """
        #expect(
            tail(text) == [
                "reading page 7", "Pages/Reader.swift:12: Fatal error: Index out of range",
                "*** Program crashed: Illegal instruction at 0x00007f84638f9361 ***", "Thread 1 \"reader\" crashed:",
                "  1 Reader.page(_:) in program at /home/me/Reader.swift:12:25",
                "  2 read(_:) in program at /home/me/Reader.swift:4:7 [inlined]", "  3 callback + 29 in libpages.so",
                "  4 0x000056416ca40001", "    ...",
            ])
    }

    @Test("what this library does to run a task is not shown; a crash of its own is")
    func machinery() {
        func report(_ frames: String...) -> String {
            "*** Signal 11: Backtracing from 0x1... done ***\nThread 0 \"w\" crashed:\n"
                + frames.enumerated().map { " \($0) [ra] 0x1 \($1)\n" }.joined()
        }
        let session = [
            "Callable.call(_:) + 1 in w at /s/Callable.swift:8:57",
            "partial apply for closure #1 in RegisteredFunction.init<A, B>(_:) + 9 in w",
            "specialized WorkerSession.perform(_:_:) + 1 in w", "static WorkerProcess.serve(_:) in w",
        ]
        #expect(
            tail(report("f() + 1 in w at /s/f.swift:1:1", session[0], session[1], session[2], session[3]))
                == ["Thread 0 \"w\" crashed:", "  0 f() in w at /s/f.swift:1:1"])
        #expect(tail(report(session[2], session[3])).count == 3)
        // A user's type of that name is above the user's function.
        #expect(tail(report("Callable.mine() in w", "f() in w", session[1], session[2])).count == 3)
    }

    @Test("repeats are counted, and of a long stack both ends are shown")
    func long() {
        let head =
            "x.swift:1: Fatal error: deep\n*** Signal 4: Backtracing from 0x1... done ***\nThread 0 \"w\" crashed:\n"
        let same = (0..<50).map { " \($0) 0x1 f(_:) + 4 in w\n" }.joined()
        #expect(
            tail(head + same + " 50 0x1 main in w\n").suffix(3) == [
                "  0 f(_:) + 4 in w", "    ... 49 more of the same", " 50 main in w",
            ])
        let different = tail(head + (0..<90).map { " \($0) 0x1 f\($0)() in w\n" }.joined())
        #expect(different.count == ErrorTail.lineLimit)
        #expect(different.contains("  0 f0() in w") && different.last == " 89 f89() in w")
        #expect(different.contains { $0.hasPrefix("    ... ") && $0.hasSuffix(" more") })
    }

    @Test("a report that ends early, or could not be made, is shown as far as it goes")
    func incomplete() {
        #expect(
            tail("a\n*** Signal 4: Backtracing from 0x1... failed ***\n").last
                == "*** Signal 4: Backtracing from 0x1... failed ***")
        #expect(tail("Fatal error: x\n*** Signal 4: Backtracing from 0x1...").count == 2)
        #expect(
            tail("*** Signal 4: Backtracing from 0x1... done ***\n  0 no 0x thread\n*** Program crashed: A ***").count
                == 1)
    }

    @Test("what only looks like a report is not shown at any length")
    func endless() {
        let beginning = "line\n*** Signal 4: Backtracing from 0x1... done ***\n"
        let stack = "Thread 0 \"w\" crashed:\n" + (0..<90).map { " \($0) 0x1 f\($0)() in w\n" }.joined()
        let head = String(repeating: "*** Program crashed: A ***\n", count: 60)
        #expect(tail(beginning + head + stack).count <= ErrorTail.lineLimit)
        #expect(tail(beginning + head).count < 20)
        #expect(tail(beginning + String(repeating: stack, count: 60)).count <= ErrorTail.lineLimit)
    }

    @Test("the message is kept though others write between it and the report")
    func between() {
        let noise = (0..<20).map { "line \($0)\n" }.joined()
        let lines = tail("w.swift:1: Fatal error: gone\n\(noise)*** Signal 4: Backtracing from 0x1... done ***\n")
        #expect(lines == ["w.swift:1: Fatal error: gone"] + (15..<20).map { "line \($0)" })
    }

    @Test("without a report: from the message on, or the last lines; never more than the limit")
    func plain() {
        let noise = (0..<60).map { "line \($0)\n" }.joined()
        #expect(tail(noise) == (20..<60).map { "line \($0)" })
        #expect(tail(noise + "Could not cast value of type 'A' (0x1) to 'B' (0x2).\n").count == 6)
        #expect(tail("w.swift:1: Precondition failed: x\n" + noise).count == ErrorTail.lineLimit)
        #expect(tail("ut of a line\nwhole\n\n  \n", isCut: true) == ["whole"])
        #expect(tail("").isEmpty)
    }
}
