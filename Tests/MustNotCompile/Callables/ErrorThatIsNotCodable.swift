// An error that arrives as itself travels as bytes.
//
// error: requires that 'Refused' conform to 'Decodable'
// error: requires that 'Refused' conform to 'Encodable'
import Futures

#if CONTROL
    struct Refused: Error, Codable { var code = 0 }
#else
    struct Refused: Error { var code = 0 }
#endif

let refuse = Callable("refuse") { (code: Int) -> Int in throw Refused(code: code) }
let refuseAsItself = refuse.throwing(Refused.self)
