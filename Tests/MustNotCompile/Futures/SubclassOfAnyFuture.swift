// Whoever could subclass any future could break what waiting relies on.
//
// error: cannot inherit from non-open class 'AnyFuture' outside of its defining module
import Futures

#if CONTROL
    final class Wrapper { let future: AnyFuture? = nil }
#else
    final class Wrapper: AnyFuture {}
#endif
