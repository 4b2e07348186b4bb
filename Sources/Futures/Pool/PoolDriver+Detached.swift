internal import CProto
import Glibc
import Wire

/// A payload on its way into a worker's memory.
struct DetachedPut {
    let link: PipeLink
    let bytes: [UInt8]
    let address: UInt64
    var done = 0
}

extension PoolLoop {
    /// What is copied before others have their turn, in bytes: about a millisecond.
    static let copiedAtOnce = 4 << 20

    var isCopying: Bool { !puts.isEmpty || !takes.isEmpty }
}

// Payloads that do not go through the pipes: see docs/decisions/detached-payloads.md. The driver's thread copies.
extension PoolDriver {
    /// Detaches payloads from now on, if the worker's memory is within reach.
    ///
    /// Looked at when the initializer is over, which may have changed who may look.
    func beginDetaching(_ link: PipeLink) {
        guard detachedPayloadSize != nil, let probe = link.probe else { return }
        var number: UInt64 = 0
        let count = withUnsafeMutableBytes(of: &number) { link.copyFromMemory(probe.address, into: $0) }
        // Another number is that of another process: the worker may be a child of the one that was started.
        guard count == MemoryLayout<UInt64>.size, number == probe.number else { return }
        link.mayLend = true
        write(.beginDetaching(link.id))
        settle()
    }

    /// Goes on with what is being copied, a piece for each worker.
    func copyDetached() {
        for worker in loop.takes {
            guard let link = link(worker) else {
                loop.takes.remove(worker)
                continue
            }
            reading(link) {
                if !link.hasStoppedReading, link.decoder.awaitsDetached {
                    readAnswers(link, turn)
                } else {
                    loop.takes.remove(worker)
                }
            }
        }
        guard !loop.puts.isEmpty else { return }
        var going: [DetachedPut] = []
        for var put in loop.puts where copy(&put) { going.append(put) }
        loop.puts = going
    }

    /// - Returns: whether there is more to copy.
    private func copy(_ put: inout DetachedPut) -> Bool {
        let link = put.link
        let (done, address) = (put.done, put.address)
        let count = put.bytes.withUnsafeBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(PoolLoop.copiedAtOnce))
            return link.copyToMemory(address &+ UInt64(done), from: piece)
        }
        guard count > 0 else {
            // Where the process is gone its end is near and says more; what it has said before still counts.
            if count != -Int(ESRCH) { reading(link) { cannotCopy(link, Int32(-count)) } }
            return false
        }
        put.done += count
        if put.done < put.bytes.count { return true }
        write(.payloadPut(link.id))
        return false
    }

    /// Copies the next piece of an answer's payload, and takes the answer in when it is whole.
    ///
    /// - Returns: whether there is more to be read now. Behind a whole answer there is not: the worker waits until it is told.
    func takeDetached(_ link: PipeLink, _ turn: ReadingTurn) -> Bool {
        var failure: Int32?
        link.decoder.fillDetached { source, space in
            let piece = UnsafeMutableRawBufferPointer(rebasing: space.prefix(PoolLoop.copiedAtOnce))
            let count = link.copyFromMemory(source, into: piece)
            if count <= 0 { failure = Int32(-count) }
            return max(count, 0)
        }
        if let failure {
            cannotCopy(link, failure)
            return false
        }
        if link.decoder.awaitsDetached { return true }
        loop.takes.remove(link.id)
        link.mayLend = true
        write(.payloadTaken(link.id))
        takeFrames(link, turn)
        return false
    }

    /// The worker lends a payload.
    func beginTaking(_ link: PipeLink) {
        guard thread.isCurrent else { return order(.takeDetached(link.id)) }
        // By the time that an order is carried out, this thread may have taken it.
        guard link.decoder.awaitsDetached, !link.hasStoppedReading, !loop.takes.contains(link.id) else { return }
        guard link.mayLend else { return brokeTheRules(link, "it detached a payload before the last one was taken") }
        link.mayLend = false
        loop.takes.insert(link.id)
    }

    private func cannotCopy(_ link: PipeLink, _ number: Int32) {
        // Its end is near, and says more.
        guard number != ESRCH else {
            stopReading(link)
            return wireClosed(link)
        }
        brokeTheRules(link, "its memory cannot be reached where it said: \(String(cString: strerror(number)))")
    }
}
