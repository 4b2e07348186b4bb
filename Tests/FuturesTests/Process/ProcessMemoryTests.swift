import Glibc
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    @Suite struct ProcessMemoryTests {
        @Test("memory of its own, and all that is resident, of a process that holds known amounts")
        func measures() throws {
            try Leftovers.check {
                let victim = try Victim(Victim.command("hold", "67108864", "33554432"))
                _ = try victim.hear()
                let memory = try #require(ProcessMemory(of: victim.pid))
                // What a process has besides is a few megabytes; a sanitizer's is more.
                #expect(memory.own >= 64 << 20, "\(memory)")
                #expect(memory.resident - memory.own >= 32 << 20, "\(memory)")
                if !hasAddressSanitizer, WorkerLossTests.crashesArePlain { #expect(memory.own < 96 << 20, "\(memory)") }
                victim.letGo()
                // Ended, and not reaped.
                _ = try victim.hearAll()
                while !ChildProgram.isZombie(victim.pid) { sched_yield() }
                #expect(ProcessMemory(of: victim.pid) == nil)
                #expect(try victim.end().status == .exited(code: 0))
                #expect(ProcessMemory(of: victim.pid) == nil)
            }
        }

        private func parsed(_ text: String) -> ProcessMemory? {
            var text = text
            return text.withUTF8 { ProcessMemory(statm: UnsafeRawBufferPointer($0)[...]) }
        }

        @Test("texts of a statm, and others")
        func parses() throws {
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            let memory = try #require(parsed("2000 500 120 10 0 90 0\n"))
            #expect(memory.resident == 500 * page && memory.own == 380 * page)
            // Counted one after the other: more shared than resident is no nonsense.
            #expect(parsed("2000 500 510 10 0 90 0\n")?.own == 0)
            for wrong in [
                "", "2000", "2000 500 120", "2000 500 x ", "0 0 0 0 0 0 0\n", "-1 5 5 ", "1  2 3 ",
                "99999999999999999999 5 5 ", "2000 9223372036854775807 5 0 ",
            ] { #expect(parsed(wrong) == nil, "\(wrong)") }
        }

        @Test("no process, no memory", arguments: [Int32.max, 0, 4_194_305])
        func nobody(pid: Int32) { #expect(ProcessMemory(of: pid) == nil) }
    }
}
