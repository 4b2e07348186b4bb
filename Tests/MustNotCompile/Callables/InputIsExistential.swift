// Whoever decodes has to know the type; `any Codable` does not name one.
//
// error: cannot conform to 'Decodable'
// error: cannot conform to 'Encodable'
import Futures

#if CONTROL
    let show = Callable("show") { (value: Int) -> String in "\(value)" }
#else
    let show = Callable("show") { (value: any Codable & Sendable) -> String in "\(value)" }
#endif
