import Glibc

// What libFuzzer calls. The environment names the target, and not an argument: libFuzzer starts itself again, with the
// arguments that it knows, to minimise and to merge.
//
//     FUTURES_FUZZ_TARGET=frames fuzz [OPTIONS OF libFuzzer] [FILE OR FOLDER...]
//     FUTURES_FUZZ_TARGET=frames fuzz --seeds FOLDER      writes the target's seeds into a folder that is there
//     fuzz --list                                         names the targets, with the longest input of each

/// The target that runs, once `begin` has chosen it.
nonisolated(unsafe) private var chosen: (any Target.Type)?

/// Called once, before everything else, with the arguments of the process.
@c(LLVMFuzzerInitialize)
public func begin(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let words = (1..<Int(count.pointee)).map { String(cString: arguments.pointee[$0]!) }
    if words.first == "--list" {
        for target in allTargets { print(target.name, target.longestInput) }
        exit(0)
    }
    let name = getenv("FUTURES_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = allTargets.first(where: { $0.name == name }) else {
        let names = allTargets.map { $0.name }.joined(separator: ", ")
        complain("FUTURES_FUZZ_TARGET is \"\(name)\"; the targets are \(names)")
        exit(2)
    }
    if words.first == "--seeds", words.count == 2 {
        do {
            for (index, seed) in try target.seeds().enumerated() { try save(seed, "\(words[1])/seed-\(index)") }
        } catch {
            complain("the seeds of \(name) cannot be written: \(error)")
            exit(1)
        }
        exit(0)
    }
    chosen = target
    return 0
}

/// Called with each input.
@c(LLVMFuzzerTestOneInput)
public func runOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let chosen else { return 0 }
    run(chosen, Input(UnsafeRawBufferPointer(start: bytes, count: count)))
    return 0
}

private struct FileError: Error {
    var path: String
    var code: CInt
}

private func save(_ bytes: [UInt8], _ path: String) throws {
    guard let file = fopen(path, "w") else { throw FileError(path: path, code: errno) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw FileError(path: path, code: errno) }
}

func complain(_ text: String) {
    let line = Array("fuzz: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
