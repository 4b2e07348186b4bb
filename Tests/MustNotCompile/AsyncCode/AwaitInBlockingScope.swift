// A scope in blocking code has a body that blocks.
//
// error: 'async' call in a function that does not support concurrency
import Futures

func callIt() throws -> Int {
    #if CONTROL
        return try withThreadPool { pool in try pool.submit { 1 }.result() }
    #else
        return try withThreadPool { pool in try await pool.submit { 1 }.value }
    #endif
}
