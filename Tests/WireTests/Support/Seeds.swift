/// The seeds that tests with random input run with: one that is always the same, and one that no run had before. They are
/// printed, so that also a run that ended in a trap can be replayed: put the seed in place of the new one.
let testSeeds: [UInt64] = {
    let seeds: [UInt64] = [1, .random(in: .min ... .max)]
    print("WireTests: random input from the seeds \(seeds)")
    return seeds
}()
