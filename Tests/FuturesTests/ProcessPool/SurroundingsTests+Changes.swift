import TestSupport
import Testing

extension ProcessSuites.SurroundingsTests {
    @Test("a worker has the program's environment and current directory of the moment in which it starts")
    func changes() throws {
        #expect(try report("changed environment") == "green green blue blue none\n")
        #expect(try report("changed folder") == "/ / ours\n")
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
