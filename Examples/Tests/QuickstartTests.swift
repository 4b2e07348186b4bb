import Testing

@Suite struct QuickstartTests {
    @Test("the code in the README does what it says")
    func output() throws {
        let run = try Program.run("Quickstart")
        #expect(
            run.output == """
                3 to the 20th is 3486784401
                112272535095293 is prime
                1099726899285419 is not prime

                """, "\(run)")
        #expect(run.errorOutput == "" && run.exitCode == 0)
    }
}
