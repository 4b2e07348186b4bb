import Glibc
import TestSupport
import Testing

extension ProcessSuites {
    /// What becomes of workers whose parent is killed.
    @Suite struct OrphanTests {
        /// How often each case is tried: FUTURES_ORPHAN_ROUNDS, for those who want to be sure.
        private static let rounds = getenv("FUTURES_ORPHAN_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2

        @Test(
            "no worker outlives a parent that is killed, whatever it does, nor what it has started itself",
            .proves(.P9),
            arguments: [
                "idle", "computing", "sleeping", "writing", "with programs", "initializing", "forked",
                "forked beside programs",
            ])
        func orphans(kind: String) throws {
            var slowest = Duration.zero
            for _ in 0..<Self.rounds { slowest = max(slowest, try orphanOnce(kind)) }
            // On a machine that does other things, too; otherwise it takes some 40 ms.
            #expect(slowest < .seconds(5), "\(slowest)")
            if Self.rounds > 2 { print("\(kind): all gone after \(slowest) at most, \(Self.rounds) times") }
        }

        /// - Returns: how long it took until all were gone.
        private func orphanOnce(_ kind: String) throws -> Duration {
            let folder = TemporaryFolder()
            let parent = try ChildProgram(BuildProducts.path(of: "test-worker"), ["orphans", kind, folder.path])
            defer { parent.kill() }
            try folder.waitFor("ready")
            // A fork server is a child, too; there may be successors.
            try spin { kind.hasPrefix("forked") ? parent.children.count >= 3 : parent.children.count == 2 }
            let workers = parent.children
            if kind == "writing" {
                // The parent has stopped itself: its pipes are full, and the workers wait in write(2).
                try spin { workers.allSatisfy { ProcFiles.state(of: $0) == "S" } }
            }
            if kind == "with programs" {
                // Of each worker a shell and its two programs.
                try spin { ChildProgram.descendants(of: parent.pid).count == 8 }
            }
            // Also what has lost its parent and become init's.
            let groups = Set(workers.map { getpgid($0) }).subtracting([getpgrp(), -1])
            let all =
                ProcFiles.entries(of: "/proc").compactMap { Int32($0) }.filter { groups.contains(getpgid($0)) }
                + ChildProgram.descendants(of: parent.pid)
            parent.kill()
            let start = ContinuousClock.now
            while all.contains(where: { kill($0, 0) == 0 && !ChildProgram.isZombie($0) }) {
                try #require(ContinuousClock.now - start < .seconds(30), "processes \(all) outlived the parent")
                usleep(1_000)
            }
            return ContinuousClock.now - start
        }

        @Test(
            "what a worker has started ends with it, also when the parent is killed while the worker ends by itself",
            .proves(.P9), arguments: ["spawned", "forked"], [false, true])
        func endingWorker(startMethod: String, isParentStopped: Bool) throws {
            let folder = TemporaryFolder()
            let parent = try ChildProgram(
                BuildProducts.path(of: "test-worker"), ["ending orphan", startMethod, folder.path])
            defer { parent.kill() }
            let program = try folder.waitForProcess("program")
            defer { if !ChildProgram.isZombie(program) { kill(program, SIGKILL) } }
            try folder.waitFor("ending")
            let worker = getpgid(program)
            if isParentStopped {
                // It does not see the worker end.
                kill(parent.pid, SIGSTOP)
                try spin { ProcFiles.state(of: parent.pid) == "T" }
                folder.write("", to: "go")
                try spin { ChildProgram.isZombie(worker) }
                parent.kill()
            } else {
                parent.kill()
                folder.write("", to: "go")
            }
            try spin { ChildProgram.isZombie(program) && ChildProgram.isZombie(worker) }
        }
    }
}
