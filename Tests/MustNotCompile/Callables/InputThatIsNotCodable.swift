// Arguments travel as bytes.
//
// error: requires that 'Point' conform to 'Decodable'
// error: requires that 'Point' conform to 'Encodable'
import Futures

#if CONTROL
    struct Point: Codable { var x = 0 }
#else
    struct Point { var x = 0 }
#endif

let measure = Callable("measure") { (point: Point) -> Int in point.x }
