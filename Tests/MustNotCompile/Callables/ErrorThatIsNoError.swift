// What is thrown is an error.
//
// error: requires that 'Refused' conform to 'Error'
import Futures

#if CONTROL
    struct Refused: Error, Codable { var code = 0 }
#else
    struct Refused: Codable { var code = 0 }
#endif

let refuse = Callable("refuse") { (code: Int) -> Int in code }.throwing(Refused.self)
