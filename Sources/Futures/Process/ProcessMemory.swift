import Glibc

/// How much memory a process has in RAM, in bytes.
struct ProcessMemory: Equatable {
    /// All of it, as `ps` shows it (RES in top): also pages of files that it maps, which other processes may have, too,
    /// and which the kernel can take back, and shared memory.
    var resident: Int
    /// What is its own: the heap, stacks, what it wrote to in private mappings. This is what a leak grows, and what is
    /// free again when the process ends.
    var own: Int

    /// What a process has now; nil if it has ended, also when nobody has reaped it yet.
    ///
    /// Reads /proc/PID/statm, which takes a few microseconds. The kernel's numbers are not exact: each processor may
    /// keep some pages to itself before it counts them.
    ///
    /// - Parameter pid: a child that nobody has reaped, so that the number is its own.
    init?(of pid: Int32) {
        // Numbers of a process and of pages are short, and the file has one line.
        let text = withUnsafeTemporaryAllocation(byteCount: 192, alignment: 1) { buffer -> ProcessMemory? in
            let path = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
            Self.writePath(of: pid, to: path)
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            var count: Int
            repeat {
                count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            } while count < 0 && errno == EINTR
            return count > 0 ? ProcessMemory(statm: UnsafeRawBufferPointer(buffer)[..<count]) : nil
        }
        guard let text else { return nil }
        self = text
    }

    /// From the text of a statm: "size resident shared text lib data dt", in pages; nil for anything else, and for a
    /// process without memory.
    init?(statm: Slice<UnsafeRawBufferPointer>) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        var numbers = (0, 0, 0)
        var rest = statm[...]
        for index in 0..<3 {
            var value = 0
            var hasDigit = false
            while let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, isTooLargeNow) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
                guard !isTooLarge, !isTooLargeNow else { return nil }
                value = sum
                hasDigit = true
                rest.removeFirst()
            }
            guard hasDigit, rest.first == UInt8(ascii: " ") else { return nil }
            rest.removeFirst()
            switch index {
            case 0: numbers.0 = value
            case 1: numbers.1 = value
            default: numbers.2 = value
            }
        }
        let (resident, isTooLarge) = numbers.1.multipliedReportingOverflow(by: page)
        guard numbers.0 > 0, numbers.1 > 0, !isTooLarge else { return nil }
        self.resident = resident
        // The two are counted one after the other.
        own = max(0, numbers.1 - numbers.2) * page
    }

    /// Writes "/proc/PID/statm", without a String: this is called for every worker, many times a second.
    private static func writePath(of pid: Int32, to path: UnsafeMutablePointer<CChar>) {
        var end = path
        func append(_ text: StaticString) {
            for index in 0..<text.utf8CodeUnitCount { end[index] = CChar(bitPattern: text.utf8Start[index]) }
            end += text.utf8CodeUnitCount
        }
        append("/proc/")
        var divisor: Int32 = 1
        while pid / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            end.pointee = CChar(UInt8(ascii: "0")) + CChar(pid / divisor % 10)
            end += 1
            divisor /= 10
        }
        append("/statm")
        end.pointee = 0
    }
}
