import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// What arrives of an error that a call threw.
    @Suite struct ErrorTransportTests {
        private func outcomes(_ results: MapResults<Int>) throws -> [Result<Int, any Error>] {
            var all: [Result<Int, any Error>] = []
            let outcomes = results.outcomes
            while let outcome = try outcomes.next() { all.append(outcome) }
            return all
        }

        /// What is told of an error that does not travel as itself.
        private func expectInWords(_ error: (any Error)?, _ fault: String, from worker: Int) throws {
            let error = try #require(error as? RemoteError)
            #expect(error.typeName == "TestFunctions.FragileError")
            #expect(error.message == "a fragile error: \(fault)")
            #expect(error.functionName == "throw_fragile")
            #expect(error.pid == worker)
        }

        @Test(
            "an error of a named type that does not encode, or decode, is told in words; the worker lives on",
            .proves(.S4, .P6), arguments: ["encoding", "decoding"])
        func doesNotTravel(fault: String) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(throwFragile, "").result(timeout: longTime)
                let error = try pool.submit(throwFragile, fault).exception(timeout: longTime)
                try expectInWords(error, fault, from: worker)
                // Of the same type, one that can travel does.
                #expect(throws: FragileError(.none)) { try pool.submit(throwFragile, "none").result(timeout: longTime) }
                #expect(try pool.submit(throwFragile, "").result(timeout: longTime) == worker)
                pool.shutdown()
            }
        }

        @Test(
            "within a chunk such an error is told in words for its own element, and the others arrive as themselves",
            .proves(.S4, .P6, .M4))
        func doesNotTravelInChunk() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(throwFragile, "").result(timeout: longTime)
                let faults = ["encoding", "", "decoding", "none", "decoding", "", "", "none", "encoding"]
                let all = try outcomes(pool.map(throwFragile, faults, chunkSize: 3))
                try #require(all.count == faults.count)
                for (fault, outcome) in zip(faults, all) {
                    switch (fault, outcome) {
                    case ("", _): #expect(try outcome.get() == worker)
                    case ("none", _): #expect(throws: FragileError(.none)) { try outcome.get() }
                    case (_, .failure(let error)): try expectInWords(error, fault, from: worker)
                    case (_, .success(let value)): Issue.record("\(fault): \(value)")
                    }
                }
                #expect(try pool.submit(throwFragile, "").result(timeout: longTime) == worker)
                pool.shutdown()
            }
        }

        @Test("an error in words has the details, the function and the process of where it was thrown", .proves(.P6))
        func details() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(processID).result(timeout: longTime)
                let exception = try pool.submit(throwTwoFaced).exception(timeout: longTime)
                let error = try #require(exception as? RemoteError)
                #expect(error.typeName == "TestFunctions.TwoFaced")
                #expect(error.message == "what everybody may know")
                #expect(error.detail == "what it was in truth")
                #expect(error.functionName == "throw_two_faced")
                #expect(error.pid == worker)
                #expect(error.backtrace.isEmpty)
                let beginning = "\"throw_two_faced\" threw TestFunctions.TwoFaced"
                #expect(error.description == "\(beginning): what everybody may know")
                #expect(error.debugDescription == "\(beginning) in worker process \(worker): what it was in truth")
                pool.shutdown()
            }
        }

        @Test("each of several types that a callable names arrives as itself, alone and within a chunk", .proves(.P6))
        func severalTypes() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(processID).result(timeout: longTime)
                let alone = try (0...3).map { which -> (any Error)? in
                    let future = try pool.submit(throwEither, which)
                    return try future.exception(timeout: longTime)
                }
                let inChunk = try outcomes(pool.map(throwEither, 0...3, chunkSize: 4)).map { outcome -> (any Error)? in
                    if case .failure(let error) = outcome { return error }
                    return nil
                }
                for errors in [alone, inChunk] {
                    try #require(errors.count == 4)
                    #expect(errors[0] == nil)
                    #expect(errors[1] as? Refused == Refused(code: 1))
                    #expect(errors[2] as? FragileError == FragileError(.none))
                    let other = try #require(errors[3] as? RemoteError)
                    #expect(other.detail == "what it was in truth" && other.pid == worker)
                }
                pool.shutdown()
            }
        }
    }
}
