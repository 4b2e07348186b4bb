import Glibc

/// By how much `body` raises the most memory that the process ever had resident, in bytes.
func peakGrowth(_ body: () throws -> Void) rethrows -> Int {
    let before = peakMemory()
    try body()
    return peakMemory() - before
}

private func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
}

/// Memory that the process has resident, in bytes, without what was freed and malloc keeps (malloc_trim(3)): how much that
/// is depends on all that the process did before.
func residentMemory() -> Int {
    typealias Trim = @convention(c) (Int) -> Int32
    if let symbol = dlsym(dlopen(nil, RTLD_NOW), "malloc_trim") { _ = unsafeBitCast(symbol, to: Trim.self)(0) }
    guard let file = fopen("/proc/self/statm", "r") else { fatalError("no /proc") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    fgets(&line, Int32(line.count), file)
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return Int(text.split(separator: " ")[1])! * sysconf(Int32(_SC_PAGESIZE))
}

/// Whether the address sanitizer is in this process: it keeps freed memory for a while, and finds leaks itself.
let hasAddressSanitizer = dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil
