// Results travel as bytes. (The compiler compares with the form that returns nothing.)
//
// error: declared closure result 'Point' is incompatible with contextual type 'Void'
import Futures

#if CONTROL
    struct Point: Codable { var x = 0 }
#else
    struct Point { var x = 0 }
#endif

let place = Callable("place") { (x: Int) -> Point in Point(x: x) }
