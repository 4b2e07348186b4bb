// The result of a callable that lives elsewhere travels, too.
//
// error: requires that 'Point' conform to 'Decodable'
// error: requires that 'Point' conform to 'Encodable'
import Futures

#if CONTROL
    struct Point: Codable { var x = 0 }
#else
    struct Point { var x = 0 }
#endif

let place = Callable<Point, Int>(external: "place")
