import ArgumentParser
import Futures
import Glibc

/// What the program ends with unless all went well; the `--help` of each command says when.
enum ExitStatus: Int32 {
    case stoppedAtFailure = 1
    case somethingFailed = 2
    // Of sysexits.h.
    case noInput = 66
    case unavailable = 69
    case journalFailed = 73
    case outputFailed = 74
}

/// The command line does not fit what was found when it was carried out.
struct WrongUse: Error {
    let command: String
    let text: String
}

/// A journal cannot be opened.
struct JournalOpeningError: Error, CustomStringConvertible {
    let cause: SystemError
    var description: String { "\(cause)" }
}

/// Tells the user something that is not the result.
func complain(_ text: String) { complainRaw("worker-host: \(text)\n") }

func complainRaw(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN {
            waitUntilWritable(STDERR_FILENO)
            continue
        }
        // Nobody is left to be told.
        guard count > 0 else { return }
        bytes.removeFirst(count)
    }
}

/// An error in words, in which settings are called as on the command line.
func described(_ error: any Error) -> String {
    switch error {
    case let error as InputError: return "\(error.name) cannot be read: \(described(error.cause))"
    case is TaskTimeoutError: return inOptions("\(error)", ofTimeout: true)
    // As a journal gives it back.
    case let error as RemoteError: return inOptions("\(error)", ofTimeout: error.typeName == "Futures.TaskTimeoutError")
    default: return inOptions("\(error)", ofTimeout: false)
    }
}

private func inOptions(_ text: String, ofTimeout: Bool) -> String {
    ofTimeout
        ? text.replacing(" its hard timeout of ", with: " its --timeout of ")
        : text.replacing("workerLimits.residentMemory", with: "--worker-memory")
}

/// Tells what went wrong; gives what the program then ends with.
func ended(by error: any Error) -> any Error {
    switch error {
    case is ExitCode: return error
    case let error as WrongUse:
        complain("\(error.text)\nSee 'worker-host \(error.command) --help' for more information.")
        return ExitCode.validationFailure
    case let error as OutputError:
        if error.number == EPIPE { endBySignal(SIGPIPE) }
        complain("\(error)")
        return ExitCode(ExitStatus.outputFailed.rawValue)
    case is InputError:
        complain(described(error))
        return ExitCode(ExitStatus.noInput.rawValue)
    case is MapJournalError, is JournalOpeningError:
        complain("\(error)")
        return ExitCode(ExitStatus.journalFailed.rawValue)
    default:
        complain(described(error))
        return ExitCode(ExitStatus.unavailable.rawValue)
    }
}

/// Ends the program as the signal does by default, so that a shell sees what happened.
func endBySignal(_ number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    raise(number)
    // Not for the first process of a container, which no signal ends by default.
    exit(128 + number)
}
