import Testing

@testable import Futures

@Suite struct SpinPolicyTests {
    /// How many waits sleep at once before the next one that looks.
    private func pause(_ policy: inout SpinPolicy) -> Int {
        var count = 0
        while !policy.begins() { count += 1 }
        return count
    }

    @Test("a wait looks as long as looking finds something")
    func looks() {
        var policy = SpinPolicy()
        for _ in 0..<1_000 {
            #expect(pause(&policy) == 0)
            policy.ended(isFound: true)
        }
    }

    @Test("in vain, it looks half as often each time, but never gives up")
    func pauses() {
        var policy = SpinPolicy()
        var pauses: [Int] = []
        for _ in 0..<11 {
            pauses.append(pause(&policy))
            policy.ended(isFound: false)
        }
        #expect(pauses == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 256])
    }

    @Test("once it finds something again, it looks each time")
    func begins() {
        var policy = SpinPolicy()
        for _ in 0..<20 {
            _ = pause(&policy)
            policy.ended(isFound: false)
        }
        #expect(pause(&policy) == 256)
        policy.ended(isFound: true)
        #expect(pause(&policy) == 0)
        policy.ended(isFound: false)
        #expect(pause(&policy) == 1)
    }
}
