import Glibc

/// One measurement, as a line `row,value,unit`.
func report(_ row: String, _ value: Double, _ unit: String) {
    print("\(row),\(value),\(unit)")
    // A run that is stopped later has told what it measured before.
    fflush(nil)
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The name of a file that is not there yet.
func temporaryName() throws -> String {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return "\(folder)/pool-benchmark-\(getpid())-gate"
}

/// This process's memory that no file backs (proc_pid_status(5)).
func residentBytes() throws -> Int { try kilobytes(["RssAnon:"], "/proc/self/status") * 1024 }

/// What the memory of a process would shrink by if it ended: pages that it shares with nobody (proc_pid_smaps(5)).
func privateBytes(_ process: Int) throws -> Double {
    Double(try kilobytes(["Private_Clean:", "Private_Dirty:"], "/proc/\(process)/smaps_rollup")) * 1024
}

/// The sum of the lines of a file of /proc that have these names.
private func kilobytes(_ names: [String], _ path: String) throws -> Int {
    guard let file = fopen(path, "r") else { throw BenchmarkError("cannot open \(path)") }
    defer { fclose(file) }
    var sum = 0
    var found = 0
    var line = [CChar](repeating: 0, count: 512)
    while fgets(&line, Int32(line.count), file) != nil {
        let words = line.prefix { $0 != 0 }.split { $0 == 32 || $0 == 9 || $0 == 10 }
            .map { String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self) }
        guard words.count == 3, names.contains(words[0]), let number = Int(words[1]) else { continue }
        sum += number
        found += 1
    }
    guard found == names.count else { throw BenchmarkError("\(path) does not tell \(names)") }
    return sum
}
