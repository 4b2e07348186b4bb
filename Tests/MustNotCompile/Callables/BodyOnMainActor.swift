// A synchronous body runs where the worker runs it, not on the main actor.
//
// error: call to main actor-isolated global function 'title()' in a synchronous nonisolated context
import Futures

@MainActor func title() -> String { "title" }
func heading() -> String { "heading" }

#if CONTROL
    let show = Callable("show") { () -> String in heading() }
#else
    let show = Callable("show") { () -> String in title() }
#endif
