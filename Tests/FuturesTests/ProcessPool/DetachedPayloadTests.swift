import CProto
import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

// Payloads that go from memory to memory. What cannot be done here, as in a container that forbids it, is not tested.
extension ProcessSuites {
    @Suite(.enabled(if: DetachedPayloads.arePossible, "this system lets no process into another's memory"))
    struct DetachedPayloadTests {
        private func pool(
            maxWorkers: Int = 1, detached: Int? = PayloadLender.smallest, onWorkerLoss: WorkerLossPolicy = .breakPool,
            compression: CompressionPolicy = .off, initializer: WorkerInitializer? = nil
        ) throws -> ProcessPoolExecutor {
            var options = ProcessPoolOptions(compression: compression, onWorkerLoss: onWorkerLoss)
            options.detachedPayloadSize = detached
            return try ProcessPoolExecutor(
                testRegistry, maxWorkers: maxWorkers, worker: BuildProducts.testWorker, initializer: initializer,
                options: options)
        }

        private func bytes(_ count: Int, _ seed: Int = 0) -> [UInt8] {
            var random = SplitMix(seed: UInt64(seed))
            var page = (0..<4096).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count + page.count)
            while bytes.count < count {
                // So that no page is like another.
                withUnsafeBytes(of: random.next()) { page.replaceSubrange(0..<8, with: $0) }
                bytes += page
            }
            return Array(bytes[..<count])
        }

        @Test(
            "large arguments and results arrive whole, and not through the pipes",
            arguments: [PayloadLender.smallest, 5_000_001, 40 << 20])
        func roundTrip(size: Int) throws {
            try Leftovers.check {
                for detached in [PayloadLender.smallest, nil] {
                    let pool = try pool(detached: detached)
                    let sent = bytes(size)
                    let before = try pool.submit(bytesMoved).result(timeout: longTime)
                    let received = try pool.submit(echoBytes, sent).result(timeout: longTime)
                    let after = try pool.submit(bytesMoved).result(timeout: longTime)
                    #expect(received == sent)
                    let moved = (there: after[0] - before[0], back: after[1] - before[1])
                    if detached == nil {
                        #expect(moved.there > size && moved.back > size, "\(moved)")
                    } else {
                        #expect(moved.there < 100_000 && moved.back < 100_000, "\(moved)")
                    }
                    pool.shutdown()
                }
            }
        }

        @Test("calls with small and large payloads keep their order and their answers, on many workers")
        func mixed() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 3)
                let sizes = (0..<60).map { [10, 2 << 20, 1000, (1 << 20) + $0, 300_000][$0 % 5] }
                let futures = try sizes.enumerated().map { try pool.submit(echoBytes, bytes($1, $0)) }
                for (index, future) in futures.enumerated() {
                    #expect(try future.result(timeout: longTime) == bytes(sizes[index], index))
                }
                pool.shutdown()
            }
        }

        @Test("chunks, initializers and compressed payloads may be detached, too")
        func others() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 2, initializer: WorkerInitializer(echoBytes, bytes(3 << 20)))
                let numbers = Array(0..<600_000)
                let results = try pool.map(increment, numbers, chunkSize: 200_000).collect()
                #expect(results == Array(1...600_000))
                pool.shutdown()
                let packing = try self.pool(compression: .zlib())
                // Of these 8 MiB zlib makes half at best.
                var random = SplitMix(seed: 1)
                var halves = (0..<64 << 10).map { _ in UInt8(truncatingIfNeeded: random.next() & 15) }
                for _ in 0..<7 { halves += halves }
                #expect(try packing.submit(echoBytes, halves).result(timeout: longTime) == halves)
                packing.shutdown()
            }
        }

        @Test("a worker that is killed while payloads are copied costs its call, at whatever moment", arguments: 0..<8)
        func killed(round: Int) throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 2, onWorkerLoss: .retry(limit: 100))
                let sent = bytes(30 << 20)
                _ = try pool.submit(add, 1, 2).result(timeout: longTime)
                let futures = try (0..<4).map { _ in try pool.submit(echoBytes, sent) }
                for moment in 0..<6 {
                    usleep(UInt32(1_000 * (round % 7 + moment)))
                    for worker in Leftovers.childProcesses() where (worker + Int32(moment)) % 2 == 0 {
                        kill(worker, SIGKILL)
                    }
                }
                for future in futures { #expect(try future.result(timeout: longTime) == sent) }
                pool.shutdown()
            }
        }

        @Test("a call whose arguments are on their way can be cancelled, and the others go on")
        func cancelled() throws {
            try Leftovers.check {
                let pool = try pool()
                let sent = bytes(20 << 20)
                let futures = try (0..<12).map { _ in try pool.submit(echoBytes, sent) }
                for future in futures where future.hashValue % 2 == 0 { future.cancel() }
                for future in futures where !future.isCancelled {
                    #expect(try future.result(timeout: longTime) == sent)
                }
                #expect(try pool.submit(add, 1, 2).result(timeout: longTime) == 3)
                pool.shutdown()
            }
        }

        @Test("a pool that is shut down or killed meanwhile ends", arguments: [false, true])
        func ended(kills: Bool) throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 2)
                let sent = bytes(40 << 20)
                let futures = try (0..<4).map { _ in try pool.submit(echoBytes, sent) }
                if kills { pool.killWorkers() }
                pool.shutdown()
                for future in futures {
                    let error = future.isCancelled ? nil : try future.exception(timeout: longTime)
                    #expect(kills || (error == nil && !future.isCancelled))
                }
            }
        }

        @Test("a worker begins no other call before a result of its own is safe")
        func holdsBack() throws {
            try Leftovers.check {
                // The result of the first is taken, or the second has not begun: it can take nothing with it.
                for round in 0..<10 {
                    let pool = try pool()
                    // Short calls, so that more are sent ahead.
                    for _ in 0..<50 { _ = try pool.submit(add, 1, 2).result(timeout: longTime) }
                    let large = try pool.submit(zeros, 30 << 20)
                    let deadly = try pool.submit(raiseSignal, Int(SIGKILL))
                    #expect(try large.result(timeout: longTime).count == 30 << 20, "round \(round)")
                    #expect(try deadly.exception(timeout: longTime) is BrokenProcessPool)
                    pool.shutdown()
                }
            }
        }
    }
}

private enum DetachedPayloads {
    /// Whether a child's memory can be read here.
    static let arePossible: Bool = {
        var number: UInt64 = 7
        var copy: UInt64 = 0
        let address = withUnsafePointer(to: &number) { UInt64(UInt(bitPattern: $0)) }
        // Of this process itself: what forbids it altogether shows here.
        return futures_memory_copy_from(getpid(), address, &copy, 8) == 8 && copy == 7
    }()
}
