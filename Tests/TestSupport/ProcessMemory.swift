import Glibc

/// By how much `body` raises the most memory that the process ever had resident, in bytes.
public func peakGrowth(_ body: () throws -> Void) rethrows -> Int {
    let before = peakMemory()
    try body()
    return peakMemory() - before
}

private func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
}

/// Memory that malloc has given out and not got back, in bytes (malloc_info(3)). What it keeps of what was freed does not
/// count: how much that is depends on all that the process did before.
public func memoryInUse() -> Int {
    typealias Info = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
    guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "malloc_info") else { fatalError("this is not glibc") }
    var text: UnsafeMutablePointer<CChar>?
    var size = 0
    let stream = open_memstream(&text, &size)!
    _ = unsafeBitCast(symbol, to: Info.self)(0, stream)
    fclose(stream)
    defer { free(text) }
    // Behind the last heap come the totals of all.
    let lines = String(cString: text!).split(separator: "\n")
    let totals = lines[(lines.lastIndex(of: "</heap>")! + 1)...]
    func bytes(_ beginning: String) -> Int {
        let line = totals.first { $0.hasPrefix(beginning) }!
        return Int(line.split(separator: "\"").last { Int($0) != nil }!)!
    }
    let free = bytes("<total type=\"fast\"") + bytes("<total type=\"rest\"")
    return bytes("<system type=\"current\"") + bytes("<total type=\"mmap\"") - free
}

/// Whether the address sanitizer is in this process: it keeps freed memory for a while, and finds leaks itself.
public let hasAddressSanitizer = dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil
