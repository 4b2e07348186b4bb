// Whoever could subclass a future could break what waiting relies on.
//
// error: inheritance from a final class 'Future'
import Futures

#if CONTROL
    final class Wrapper { let future: Future<Int>? = nil }
#else
    final class Wrapper: Future<Int> {}
#endif
