// Asking a program for its functions waits for that program.
//
// error: expression is 'async' but is not marked with 'await'
import Futures

func callIt(_ command: WorkerCommand) async throws -> [WorkerFunction] {
    #if CONTROL
        return try await command.functions()
    #else
        return try command.functions()
    #endif
}
