import Testing

@Suite struct PrimesTests {
    @Test("Primes prints what the original prints, then both times")
    func output() throws {
        let run = try Program.run("Primes")
        #expect(
            run.output.hasPrefix(
                """
                112272535095293 is prime: true
                112582705942171 is prime: true
                112272535095293 is prime: true
                115280095190773 is prime: true
                115797848077099 is prime: true
                1099726899285419 is prime: false
                in worker processes:
                """), "\(run)")
        #expect(run.output.contains("in a plain loop:"))
        #expect(run.errorOutput == "" && run.exitCode == 0)
    }
}
