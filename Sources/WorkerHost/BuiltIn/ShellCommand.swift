import Glibc

/// A command of the shell that reads bytes and writes others, as GNU parallel's `--pipe` runs them.
struct ShellCommand {
    let text: String

    /// Runs it with the bytes as its standard input; its standard error is the worker's.
    ///
    /// - Returns: what it wrote to its standard output. It need not read all.
    /// - Throws: ``ShellCommandError`` if it cannot be started or given all that it would read, or ends with another code than 0.
    func run(_ input: UnsafeRawBufferPointer) throws -> [UInt8] {
        let process = try ShellProcess(text)
        var output: [UInt8] = []
        var rest = input
        while true {
            if rest.isEmpty { process.closeInput() }
            guard process.isReading || process.isWriting else { break }
            try process.exchange(&rest, &output)
        }
        let status = process.end()
        guard status == 0 else { throw ShellCommandError(command: text, status: status) }
        return output
    }
}

/// A command of the shell failed.
struct ShellCommandError: Error, CustomStringConvertible {
    let command: String
    private let reason: String

    init(command: String, status: Int32) {
        self.command = command
        reason = Self.words(for: status)
    }

    init(command: String, cannotStart number: Int32) {
        self.command = command
        reason = "cannot be started: \(String(cString: strerror(number)))"
    }

    init(command: String, cannotBeGivenInput number: Int32) {
        self.command = command
        reason = "cannot be given its input: \(String(cString: strerror(number)))"
    }

    /// One that was to answer line by line ended before it had.
    init(command: String, status: Int32, answers: Int, of lines: Int) {
        self.command = command
        reason = "\(Self.words(for: status)) after \(answers) answers to \(lines) lines"
    }

    /// One that was to answer line by line wrote more.
    init(command: String, tooManyAnswersTo lines: Int) {
        self.command = command
        reason = "wrote more than \(lines) answers to \(lines) lines"
    }

    private static func words(for status: Int32) -> String {
        let signal = status & 0x7f
        if signal == 0 { return "exited with \((status >> 8) & 0xff)" }
        return "was ended by \(String(cString: strsignal(signal)))"
    }

    var description: String { "'\(command)' \(reason)" }
}
