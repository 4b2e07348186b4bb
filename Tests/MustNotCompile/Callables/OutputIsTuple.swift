// A tuple is not Codable; a struct can be. (The compiler compares with the form that returns nothing.)
//
// error: declared closure result '(Int, Int)' is incompatible with contextual type 'Void'
import Futures

struct Halves: Codable { var half: Int, rest: Int }

#if CONTROL
    let halve = Callable("halve") { (n: Int) -> Halves in Halves(half: n / 2, rest: n % 2) }
#else
    let halve = Callable("halve") { (n: Int) -> (Int, Int) in (n / 2, n % 2) }
#endif
