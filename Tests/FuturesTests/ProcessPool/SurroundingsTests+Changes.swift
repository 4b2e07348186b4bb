import TestSupport
import Testing

extension ProcessSuites.SurroundingsTests {
    @Test("a worker has the program's environment and current directory of the moment in which it starts")
    func changes() throws {
        #expect(try report("changed environment") == "green green blue blue none\n")
        #expect(try report("changed folder") == "/ / ours\n")
    }

    @Test("variables that are no text arrive as they are, and there may be none")
    func strangeEnvironment() throws {
        #expect(try report("strange environment") == "[255, 65, 195]\n[66]\n[]\n")
    }

    @Test("a program that was started as a worker does not start itself again to ask for its functions")
    func ownFunctions() throws {
        let report = try report("a worker itself")
        #expect(report.contains("is itself a worker") || report.contains("runIfSpawned"), "\(report)")
    }

    @Test("what a worker had written before its end is passed on when somebody reads it", .proves(.P10))
    func lateStandardError() throws { #expect(try report("slow standard error") == "50000 of 50000\n") }

    @Test("without standard error a journal is not what workers write to", .proves(.P10))
    func journalWithoutStandardError() throws {
        #expect(try report("journal without standard error") == "100 bytes, 0 from before\n100 bytes, 20 from before\n")
    }

    @Test("a pool can be used and shut down by the program's exit handlers", .proves(.H6, .H1))
    func exitHandler() throws { #expect(try report("exit handler") == "value 2\n") }

    @Test(
        "a program that exits in a pool's own thread ends, also where an exit handler shuts that pool down",
        .proves(.H6, .C3), arguments: ["exit in a task", "exit in a callback"])
    func exitsWithin(place: String) throws { #expect(try report(place, exitCode: 3) == "over\n") }

    @Test("a program whose threads of a pool never end ends all the same", .proves(.H6))
    func busyThreads() throws { #expect(try report("busy threads") == "over\n") }
}
