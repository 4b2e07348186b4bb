import TestSupport
import Testing

@testable import Futures

/// How far a map may be ahead, in bytes: a plain value, and sizes made up.
@Suite struct MapWindowTests {
    private static let limit = 1_000_000

    /// A map of parts of one element each, whose results come in the order of submission unless somebody waits.
    private struct World {
        struct Part {
            var argument: Int
            var result: Int
        }

        var window: MapWindow
        var running: [Part] = []
        var done: [Part] = []
        var submitted = 0
        /// What is there.
        var bytes: Int { running.reduce(0) { $0 + $1.argument } + done.reduce(0) { $0 + $1.result } }
        /// With what the running ones will bring.
        var promised: Int { bytes + running.reduce(0) { $0 + $1.result } }

        init(
            limit: Int = MapWindowTests.limit, elements: Int? = nil, keepsArguments: Bool = false, workers: Int = 2
        ) {
            window = MapWindow(
                ChunkSizer(1, workers: workers, bufferSize: elements ?? .max), elementLimit: elements, byteLimit: limit,
                keepsArguments: keepsArguments)
        }

        /// Submits what there is room for, at most `most`.
        mutating func fill(argument: Int, result: Int, most: Int = 100_000) {
            var count = 0
            while window.hasRoom, count < most {
                window.submitted(elements: 1, bytes: argument)
                running.append(Part(argument: argument, result: result))
                (count, submitted) = (count + 1, submitted + 1)
            }
        }

        mutating func finish(at index: Int = 0) {
            let part = running.remove(at: index)
            window.finished(
                elements: 1, argumentBytes: part.argument, PartMeasurement(runTime: 1000, resultBytes: part.result))
            done.append(part)
        }

        mutating func take() {
            let part = done.removeFirst()
            window.handedOut(elements: 1)
            window.handedOut(argumentBytes: part.argument, PartMeasurement(resultBytes: part.result))
        }
    }

    @Test(
        "arguments and results together stay within the bytes, and use them", .proves(.M2),
        arguments: [(1_000, 10_000), (10_000, 1_000), (0, 50_000), (50_000, 0), (7_000, 7_000)])
    func withinBytes(argument: Int, result: Int) {
        var world = World()
        var (most, mostPromised) = (0, 0)
        for round in 0..<2_000 {
            world.fill(argument: argument, result: result)
            most = max(most, world.bytes)
            mostPromised = max(mostPromised, world.promised)
            // What is taken may be behind, but not always.
            if round % 3 != 0 || world.done.isEmpty { world.finish() }
            if round % 3 != 1, !world.done.isEmpty { world.take() }
        }
        #expect(world.submitted > 1_000)
        #expect(most <= Self.limit)
        #expect(mostPromised > Self.limit / 2)
    }

    @Test("results behind a slow element count, so that a kept order does not fill the memory", .proves(.M2))
    func slowFirst() {
        var world = World()
        world.fill(argument: 10, result: 10_000)
        while world.running.count > 1 {
            world.finish(at: 1)
            world.fill(argument: 10, result: 10_000)
        }
        #expect((50...100).contains(world.submitted), "\(world.submitted)")
        #expect(!world.window.hasRoom)
        world.finish()
        while !world.done.isEmpty { world.take() }
        #expect(world.window.hasRoom)
    }

    @Test("arguments that the consumer keeps count until it has taken the results", .proves(.M2))
    func keptArguments() {
        var world = World(keepsArguments: true)
        world.fill(argument: 10_000, result: 10)
        while world.running.count > 1 {
            world.finish(at: 1)
            world.fill(argument: 10_000, result: 10)
        }
        #expect((80...100).contains(world.submitted), "\(world.submitted)")
        world.finish()
        while !world.done.isEmpty { world.take() }
        world.fill(argument: 10_000, result: 10)
        #expect((80...100).contains(world.running.count), "\(world.running.count)")
    }

    @Test("before the first results three chunks for each worker are on their way", .proves(.M2), arguments: [1, 4])
    func beforeTheFirstResult(workers: Int) {
        var world = World(workers: workers)
        world.fill(argument: 1, result: 1)
        #expect(world.submitted == 3 * workers)
        var large = World(workers: workers)
        large.fill(argument: Self.limit / 2, result: 1)
        #expect(large.submitted == 2)
    }

    @Test("an element that is larger than the limit goes alone", .proves(.M2))
    func largerThanTheLimit() {
        var world = World(limit: 1)
        for _ in 0..<20 {
            world.fill(argument: 1_000, result: 1_000)
            #expect(world.running.count == 1)
            world.finish()
            #expect(!world.window.hasRoom)
            world.take()
        }
    }

    @Test("tiny elements cost what their messages cost", .proves(.M2))
    func overhead() {
        var world = World()
        for _ in 0..<10 { world.fill(argument: 0, result: 0); world.finish(); world.take() }
        world.fill(argument: 0, result: 0)
        #expect((1_000...Self.limit / MapWindow.bytesForPart).contains(world.running.count))
    }

    @Test("tiny results behind a slow element cost what their messages cost, and so do those of which nothing is known")
    func tinyResults() {
        for isMeasured in [true, false] {
            var world = World()
            world.fill(argument: 0, result: 0)
            while world.running.count > 1 {
                if isMeasured {
                    world.finish(at: 1)
                } else {
                    _ = world.running.remove(at: 1)
                    world.window.finished(elements: 1, argumentBytes: 0, nil)
                }
                world.fill(argument: 0, result: 0)
            }
            #expect((1_000...Self.limit / MapWindow.bytesForPart).contains(world.submitted), "\(world.submitted)")
        }
    }

    @Test("elements are limited as well", .proves(.M2))
    func elements() {
        var world = World(elements: 4)
        world.fill(argument: 1, result: 1)
        world.finish()
        #expect(!world.window.hasRoom)
        world.take()
        world.fill(argument: 1, result: 1)
        #expect(world.submitted == 5)
    }

    @Test(
        "a large buffer is not filled with the small chunks of the beginning, and is with those of the size found",
        .proves(.M2, .M7),
        arguments: [(1_000_000, nil), (nil, 64 << 20)] as [(Int?, Int?)])
    func growingChunks(elements: Int?, bytes: Int?) {
        var window = MapWindow(
            ChunkSizer(nil, workers: 2, bufferSize: elements ?? .max), elementLimit: elements, byteLimit: bytes)
        var running: [Int] = []
        var (submitted, parts, mostAhead) = (0, 0, 0)
        while submitted < 10_000_000 {
            while window.hasRoom {
                let size = window.sizer.next(remaining: nil)
                window.submitted(elements: size, bytes: 8 * size)
                running.append(size)
                submitted += size
                parts += 1
            }
            if parts <= 20 { #expect(running.count <= window.sizer.chunksAhead) }
            mostAhead = max(mostAhead, window.ahead)
            let size = running.removeFirst()
            let measured = PartMeasurement(runTime: Int64(size) * 10, resultBytes: 8 * size)
            window.finished(elements: size, argumentBytes: 8 * size, measured)
            window.handedOut(elements: size)
            window.handedOut(argumentBytes: 0, measured)
        }
        #expect(parts < 300, "\(parts)")
        #expect(mostAhead > 900_000, "\(mostAhead)")
    }

    @Test("automatic chunks are so small that each worker has two of them in the bytes", .proves(.M2, .M7))
    func automaticChunks() {
        var window = MapWindow(
            ChunkSizer(nil, workers: 2, bufferSize: .max), elementLimit: nil, byteLimit: Self.limit)
        var size = 1
        for _ in 0..<50 {
            #expect(window.hasRoom)
            size = window.sizer.next(remaining: nil)
            window.submitted(elements: size, bytes: 100 * size)
            let measured = PartMeasurement(runTime: Int64(size) * 10, resultBytes: 900 * size)
            window.finished(elements: size, argumentBytes: 100 * size, measured)
            window.handedOut(elements: size)
            window.handedOut(argumentBytes: 0, measured)
        }
        #expect((200...250).contains(size), "\(size)")
    }
}
