// Results go from thread to thread on their way.
//
// error: type 'Place' does not conform to the 'Sendable' protocol
import Futures

#if CONTROL
    struct Place: Codable { var x: Int }
#else
    final class Place: Codable {
        var x: Int
        init(x: Int) { self.x = x }
    }
#endif

func makeCallable() {
    print(Callable("place") { (x: Int) -> Place in Place(x: x) })
}
