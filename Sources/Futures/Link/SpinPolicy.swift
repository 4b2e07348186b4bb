/// Whether a side of the wire, before it sleeps, looks again and again for what comes.
///
/// A thread that sleeps is woken within some 5 to 50 µs, one that looks sees at once what comes, but takes a processor
/// meanwhile. That pays where the other side answers soon, which is known only afterwards. So after looking in vain the next
/// wait sleeps at once; in vain again, the next two; then four; until one is found worth it. Without a clock.
struct SpinPolicy {
    /// How many waits in a row sleep at once at most.
    static let longestPause = 256

    /// How many waits are to sleep at once from now on.
    private var pause = 0
    private var nextPause = 1

    /// Whether to look, in the wait that begins now. ``ended(isFound:)`` follows, unless something else broke it off.
    mutating func begins() -> Bool {
        guard pause > 0 else { return true }
        pause -= 1
        return false
    }

    /// - Parameter isFound: whether something came while it looked.
    mutating func ended(isFound: Bool) {
        if isFound {
            nextPause = 1
        } else {
            pause = nextPause
            nextPause = min(2 * nextPause, Self.longestPause)
        }
    }
}
