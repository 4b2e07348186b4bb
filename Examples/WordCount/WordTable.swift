/// Words with how often each occurs.
///
/// A word is a run of ASCII letters, ASCII digits and the bytes of other characters than ASCII; letters of ASCII are
/// counted in lower case. Everything else separates words, so that a text may be cut into pieces at any line end.
///
/// Words stay bytes, and no `String` is made for them: they stand one after the other in one array.
struct WordTable: Sendable, Equatable {
    private struct Entry: Equatable {
        /// The first eight bytes. Most words have no more, and are compared as one number.
        var beginning: UInt64
        var start: Int
        var length: Int
        var count: Int
    }

    private var text: [UInt8] = []
    /// In the order in which the words first came.
    private var entries: [Entry] = []
    /// A hash table with open addressing. A slot has the number of an entry, from 1, in its lower half, and the upper half
    /// of the word's hash in its upper half, so that most other words are passed by without a look at their entries.
    private var slots = [UInt64](repeating: 0, count: 1024)

    /// How many words were counted.
    private(set) var total = 0
    /// How many different ones there are.
    var distinct: Int { entries.count }

    static func == (a: WordTable, b: WordTable) -> Bool { a.text == b.text && a.entries == b.entries }

    /// Counts the words of a text.
    mutating func count(_ text: [UInt8]) {
        // Pointers instead of arrays, here and below, make it a quarter faster.
        lowercase.withUnsafeBufferPointer { lowercase in
            text.withUnsafeBufferPointer { text in
                var index = 0
                while index < text.count {
                    let start = index
                    var key = WordKey()
                    while index < text.count, case let byte = lowercase[Int(text[index])], byte != 0 {
                        key.append(byte)
                        index += 1
                    }
                    if index > start { add(UnsafeBufferPointer(rebasing: text[start..<index]), key, 1, lowercase) }
                    index += 1
                }
            }
        }
    }

    /// Adds the counts of another table.
    mutating func merge(_ words: PackedWords) {
        precondition(words.lengths.reduce(0) { $0 + Int($1) } == words.text.count, "lengths of other words")
        lowercase.withUnsafeBufferPointer { lowercase in
            words.text.withUnsafeBufferPointer { text in
                var start = 0
                var batch: [(word: UnsafeBufferPointer<UInt8>, key: WordKey, count: Int)] = []
                for (length, count) in zip(words.lengths, words.counts) {
                    let word = UnsafeBufferPointer(rebasing: text[start..<start + Int(length)])
                    batch.append((word, WordKey(word), Int(count)))
                    start += Int(length)
                    if batch.count < 32, start < text.count { continue }
                    fetch(batch.map(\.key))
                    for (word, key, count) in batch { add(word, key, count, lowercase) }
                    batch.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    /// The table as it travels.
    var packed: PackedWords {
        PackedWords(text: text, lengths: entries.map { UInt32($0.length) }, counts: entries.map { UInt32($0.count) })
    }

    /// The most frequent words; of those that are equally frequent, those that came first.
    func top(_ limit: Int) -> [(word: String, count: Int)] {
        entries.sorted { ($1.count, $0.start) < ($0.count, $1.start) }.prefix(limit).map {
            (String(decoding: text[$0.start..<$0.start + $0.length], as: UTF8.self), $0.count)
        }
    }

    @inline(__always)
    private mutating func add(
        _ word: UnsafeBufferPointer<UInt8>, _ key: WordKey, _ count: Int, _ lowercase: UnsafeBufferPointer<UInt8>
    ) {
        total += count
        let hash = key.hash
        let mask = slots.count - 1
        var slot = key.slot(mask)
        while slots[slot] != 0 {
            if slots[slot] & tagBits == hash & tagBits {
                let number = Int(slots[slot] & ~tagBits) - 1
                if entries[number].beginning == key.beginning, entries[number].length == word.count,
                    word.count <= 8 || hasSameEnd(entries[number], word, lowercase)
                {
                    entries[number].count += count
                    return
                }
            }
            slot = (slot + 1) & mask
        }
        slots[slot] = hash & tagBits | UInt64(entries.count + 1)
        insert(Entry(beginning: key.beginning, start: text.count, length: word.count, count: count), word, lowercase)
    }

    private func hasSameEnd(
        _ entry: Entry, _ word: UnsafeBufferPointer<UInt8>, _ lowercase: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        for index in 8..<word.count where text[entry.start + index] != lowercase[Int(word[index])] { return false }
        return true
    }

    /// Brings what the words of these keys will be looked up in from memory into the processor's caches.
    ///
    /// A large table is not in them, and a word that is looked up waits for memory twice. Here the processor waits for many
    /// words at once, since none of the loads needs another's result; it makes merging twice as fast.
    private func fetch(_ keys: [WordKey]) {
        let mask = slots.count - 1
        let numbers = keys.map { Int(slots[$0.slot(mask)] & ~tagBits) }
        var bits: UInt64 = 0
        for number in numbers where number > 0 { bits |= entries[number - 1].beginning }
        withExtendedLifetime(bits) {}
    }

    private mutating func insert(
        _ entry: Entry, _ word: UnsafeBufferPointer<UInt8>, _ lowercase: UnsafeBufferPointer<UInt8>
    ) {
        entries.append(entry)
        for byte in word { text.append(lowercase[Int(byte)]) }
        if entries.count > slots.count / 2 { grow() }
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: slots.count * 2)
        let mask = larger.count - 1
        for entry in slots where entry != 0 {
            var slot = Int(entry >> 32) & mask
            while larger[slot] != 0 { slot = (slot + 1) & mask }
            larger[slot] = entry
        }
        slots = larger
    }
}

/// The part of a slot that is from the hash.
private let tagBits: UInt64 = 0xffff_ffff_0000_0000

/// A table as it travels between processes: its words one after the other, how long each is, and how often it occurs.
///
/// Three arrays of numbers are copied as a whole, while an array of strings or a dictionary would be taken apart.
struct PackedWords: Codable, Sendable {
    var text: [UInt8]
    var lengths: [UInt32]
    var counts: [UInt32]
}

/// What is found out about a word while its bytes are read: a hash, eight bytes at a time, and the first eight bytes.
private struct WordKey {
    private(set) var beginning: UInt64 = 0
    private var eight: UInt64 = 0
    private var mixed: UInt64 = 0
    private var length = 0

    init() {}

    @inline(__always)
    init(_ word: UnsafeBufferPointer<UInt8>) {
        for byte in word { append(byte) }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        eight |= UInt64(byte) &<< UInt64(length & 7 &* 8)
        length += 1
        if length <= 8 { beginning = eight }
        if length & 7 == 0 {
            mixed = WordKey.mix(mixed ^ eight)
            eight = 0
        }
    }

    var hash: UInt64 {
        @inline(__always) get { WordKey.mix(mixed ^ eight) }
    }

    /// Where to look first in a table of slots: by the same bits as the slots have, so that a table can grow without the
    /// words.
    @inline(__always)
    func slot(_ mask: Int) -> Int { Int(hash >> 32) & mask }

    /// Spreads every bit over the whole number: by a multiplication (the constant is 2^64 divided by the golden ratio,
    /// Knuth's choice) upwards, by a shift downwards.
    @inline(__always)
    private static func mix(_ bits: UInt64) -> UInt64 {
        let product = bits &* 0x9e37_79b9_7f4a_7c15
        return product ^ product >> 32
    }
}

/// What each byte counts as: a part of a word, in lower case, or 0 for what separates words.
private let lowercase: [UInt8] = (0...255).map { (byte: UInt8) -> UInt8 in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...: byte
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    default: 0
    }
}
