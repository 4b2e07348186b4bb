/// What `swift-backtrace` writes of a crash, in the lines that matter: what happened, and the stack of the thread that
/// crashed, as far as it is the task's. The format is that of Swift 6.3; a line that is not understood is left out.
struct CrashReport {
    private(set) var lines: [String] = []
    /// Lines of what happened that are shown at most: reports have three of them.
    private static let headLimit = 10

    /// Whether a report begins with this line.
    static func isBeginning(_ line: Substring) -> Bool { line.hasPrefix("*** Signal ") }

    /// - Parameters:
    ///   - text: the lines from the beginning of the report on, without empty ones.
    ///   - lineLimit: the most lines that may be left of it.
    init(_ text: ArraySlice<Substring>, lineLimit: Int) {
        var frames: [Frame] = []
        var isInStack = false
        for line in text {
            if Self.isBeginning(line) {
                // What it is about comes again; but it may be all there is: swift-backtrace could not be run.
                if !line.hasSuffix("done ***") { lines.append(String(line)) }
            } else if line.hasPrefix("*** ") {
                lines.append(String(line))
            } else if line.hasPrefix("Thread ") {
                isInStack = line.hasSuffix(" crashed:")
                if isInStack { lines.append(String(line)) }
            } else if isInStack, let frame = Frame(line) {
                frames.append(frame)
            } else {
                isInStack = false
            }
        }
        // Anyone may write to standard error what looks like a report.
        lines.removeLast(max(0, lines.count - Self.headLimit))
        lines += Self.shown(Self.tasks(frames), most: max(1, lineLimit - lines.count))
    }

    /// Without what only says that a check failed, and without what this library does to run a task.
    private static func tasks(_ frames: [Frame]) -> [Frame] {
        let own = frames.drop {
            $0.isOf(["_assertionFailure("]) || $0.isOf(["closure #1 in closure #1 in _assertionFailure("])
        }
        guard let session = own.firstIndex(where: { $0.isOf(["WorkerSession."]) }) else { return Array(own) }
        let machinery = [
            "Callable.", "closure #1 in Callable.", "ChunkRun.", "RegisteredFunction.",
            "closure #1 in RegisteredFunction.", "InlineTaskExecutor.",
        ]
        let task = own[..<session].reversed().drop { $0.isOf(machinery) }
        // A crash of the library's is shown as it is.
        return task.isEmpty ? Array(own) : task.reversed()
    }

    /// A function that calls itself is shown once; of a long stack, both ends are.
    private static func shown(_ frames: [Frame], most: Int) -> [String] {
        var texts: [String] = []
        var index = 0
        while index < frames.count {
            let next = frames[(index + 1)...].firstIndex { $0.text != frames[index].text } ?? frames.count
            texts.append(frames[index].line)
            if next - index == 2 { texts.append(frames[index + 1].line) }
            if next - index > 2 { texts.append("    ... \(next - index - 1) more of the same") }
            index = next
        }
        guard texts.count > most else { return texts }
        let outermost = (most - 1) / 4
        return texts.prefix(most - 1 - outermost) + ["    ... \(texts.count - (most - 1)) more"]
            + texts.suffix(outermost)
    }

    /// A line such as "  3 [ra] [inlined] 0x00007f84638f9361 parse(_:) + 12 in program at /folder/file.swift:2:63", or
    /// "...".
    struct Frame {
        private let number: Substring
        /// The function and where it is; without one, the address.
        let text: String

        init?(_ line: Substring) {
            var words = line.split(separator: " ")[...]
            if words == ["..."] {
                number = ""
                text = "..."
                return
            }
            guard let first = words.popFirst(), first.allSatisfy(\.isNumber) else { return nil }
            number = first
            var isInlined = false
            while let word = words.first, word.hasPrefix("["), word.hasSuffix("]") {
                isInlined = isInlined || word == "[inlined]"
                words.removeFirst()
            }
            guard let address = words.popFirst(), address.hasPrefix("0x") || address == "..." else { return nil }
            var rest = words.joined(separator: " ")
            // With a line of a file, the offset in the function says nothing.
            if rest.contains(" at /"), let plus = rest.range(of: " + "),
                let place = rest.range(of: " in ", after: plus),
                rest[plus.upperBound..<place.lowerBound].allSatisfy(\.isNumber)
            {
                rest.removeSubrange(plus.lowerBound..<place.lowerBound)
            }
            text = rest.isEmpty ? String(address) : isInlined ? "\(rest) [inlined]" : rest
        }

        var line: String {
            number.isEmpty
                ? "    \(text)" : "\(String(repeating: " ", count: max(0, 3 - number.count)))\(number) \(text)"
        }

        /// Whether it is in one of the functions, or types.
        func isOf(_ names: [String]) -> Bool {
            var name = text[...]
            for prefix in ["partial apply for ", "specialized ", "static "] where name.hasPrefix(prefix) {
                name = name.dropFirst(prefix.count)
            }
            return names.contains { name.hasPrefix($0) }
        }
    }
}

extension String {
    /// The first place of a text, without Foundation.
    fileprivate func range(of text: String, after earlier: Range<Index>? = nil) -> Range<Index>? {
        var start = earlier?.upperBound ?? startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
