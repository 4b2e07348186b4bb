import Glibc

/// A process that comes to an end of its own making, or takes much; a test starts it as it would a worker.
enum Victim {
    static func run(_ manner: String, _ arguments: ArraySlice<String>) -> Never {
        alarm(60)
        unsetenv("FUTURES_WORKER")
        switch manner {
        case "trap": print(Chain().follow(3, orElse: "the tank is empty"))
        case "index": print(Chain().element(3, of: [1, 2, 3]))
        case "recurse": print(Chain().follow(.max, orElse: ""))
        case "allocate":
            var kept: [[UInt8]] = []
            while true { kept.append([UInt8](repeating: 1, count: 1 << 20)) }
        case "compute": while getppid() != 0 {}
        case "threads":
            // Has some before anybody can set anything.
            for _ in 0..<3 {
                var thread = pthread_t()
                pthread_create(&thread, nil, { _ in while true { pause() } }, nil)
            }
            meet()
        case "hold":
            hold(own: Int(arguments.first!)!, mapped: Int(arguments.last!)!)
        default: print("there is no victim called \(manner)")
        }
        exit(0)
    }

    /// Says that it is ready, and waits until it is let go.
    private static func meet() {
        var byte: UInt8 = 1
        write(4, &byte, 1)
        read(3, &byte, 1)
    }

    /// Has memory of its own, and pages of a file.
    private static func hold(own: Int, mapped: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: own, alignment: 1 << 12)
        memset(memory, 1, own)
        let file = tmpfile()!
        ftruncate(fileno(file), mapped)
        let pages = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0)!
        memset(pages, 1, mapped)
        meet()
        free(memory)
    }

    private class Chain {
        /// Another class could override it, so that every call is one, and shows in a stack.
        func follow(_ depth: Int, orElse reason: String) -> Int {
            let numbers = [depth, depth == 0 ? fail(reason) : follow(depth - 1, orElse: reason)]
            return numbers[1] + numbers[0]
        }

        func fail(_ reason: String) -> Int { fatalError(reason) }

        func element(_ index: Int, of numbers: [Int]) -> Int { numbers[index] }
    }
}
