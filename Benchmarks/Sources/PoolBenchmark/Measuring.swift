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

/// What this process, but for its main thread, and all below it have computed, in nanoseconds (proc_pid_schedstat).
func processorTime() -> Double {
    var sum = 0.0
    var processes = [Int(getpid())]
    while let process = processes.popLast() {
        for thread in entries("/proc/\(process)/task") {
            let folder = "/proc/\(process)/task/\(thread)"
            processes += words("\(folder)/children").compactMap { Int($0) }
            if thread != "\(getpid())" { sum += words("\(folder)/schedstat").first.flatMap { Double($0) } ?? 0 }
        }
    }
    return sum
}

private func entries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            })
    }
    return names.filter { !$0.hasPrefix(".") }
}

private func words(_ path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self).split { $0 == " " || $0 == "\n" }.map(String.init)
}
