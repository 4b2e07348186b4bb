// Which types a worker's bytes may become has to be named.
//
// error: type 'any Error' cannot conform to 'Decodable'
// error: type 'any Error' cannot conform to 'Encodable'
import Futures

struct Refused: Error, Codable {}

let refuse = Callable("refuse") { () -> Int in throw Refused() }
#if CONTROL
    let refuseAsItself = refuse.throwing(Refused.self)
#else
    let refuseAsItself = refuse.throwing((any Error).self)
#endif
