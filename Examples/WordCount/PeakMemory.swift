import Glibc

/// The most memory that a process has had at a time, in bytes; nil if it is gone, or the system does not say.
///
/// From proc_pid_status(5) and not from getrusage(2): that also counts what a process was before it executed its program,
/// which is its parent.
func peakMemory(of processID: Int32) -> Int? {
    let descriptor = open("/proc/\(processID)/status", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let text = [UInt8](unsafeUninitializedCapacity: 8192) { space, count in
        count = max(0, read(descriptor, space.baseAddress, space.count))
    }
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmHWM:") {
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
}
