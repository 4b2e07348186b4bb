import Testing

/// The behaviours that users can rely on, by the ids of docs/semantics.md.
///
/// `scripts/check-behaviours.sh` lists those that no test proves.
public enum Behaviour: String, CaseIterable, Sendable {
    // Futures.
    case F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15, F16
    // Done callbacks.
    case C1, C2, C3, C4
    // wait and asCompleted.
    case W1, W2, W3, W4, W5, W6, W7
    // submit and map.
    case S1, S2, S3, S4
    case M1, M2, M3, M4, M5, M6, M7, M8
    // Shutdown.
    case H1, H2, H3, H4, H5, H6, H7
    // Thread pools.
    case T1, T2, T3, T4
    // Process pools.
    case P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11
}

/// Says which behaviours a test proves.
public struct Proves: TestTrait {
    /// What the test proves.
    public let behaviours: [Behaviour]
}

extension Trait where Self == Proves {
    /// The test proves these behaviours of docs/semantics.md; breaking one of them fails it.
    public static func proves(_ behaviours: Behaviour...) -> Self { Proves(behaviours: behaviours) }
}
