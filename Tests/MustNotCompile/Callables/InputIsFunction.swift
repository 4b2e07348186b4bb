// A function does not travel.
//
// error: type '@Sendable (Int) -> Int' cannot conform to 'Decodable'
// error: type '@Sendable (Int) -> Int' cannot conform to 'Encodable'
import Futures

#if CONTROL
    let apply = Callable("apply") { (n: Int) -> Int in n + 1 }
#else
    let apply = Callable("apply") { (change: @escaping @Sendable (Int) -> Int) -> Int in change(1) }
#endif
