// What has one owner cannot be in two processes.
//
// error: requires that 'Token' conform to 'Decodable'
// error: requires that 'Token' conform to 'Encodable'
// error: generic struct 'Callable' requires that 'Token' conform to 'Copyable'
import Futures

#if CONTROL
    struct Token: Codable { var number = 0 }
#else
    struct Token: ~Copyable { var number = 0 }
#endif

let read = Callable("read") { (token: consuming Token) -> Int in token.number }
