// Arguments go from thread to thread on their way.
//
// error: type 'Point' does not conform to the 'Sendable' protocol
import Futures

#if CONTROL
    final class Point: Codable, Sendable { let x: Int }
#else
    final class Point: Codable { var x: Int }
#endif

func makeCallable() {
    print(Callable("measure") { (point: Point) -> Int in point.x })
}
