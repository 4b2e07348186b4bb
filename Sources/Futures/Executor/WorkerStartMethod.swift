/// How a process pool starts its workers.
public enum WorkerStartMethod: Sendable, Hashable {
    /// Each is the worker's program, run from its beginning: nothing of one is in another. As Python's spawn, and the default.
    case spawn
    /// The program is run once, up to ``WorkerProcess/runIfSpawned(_:)``, and forked there for each worker: a start takes a small
    /// part of the time. As Python's forkserver.
    ///
    /// What the program does before `runIfSpawned` is done once, then, and shared: the environment and the current directory are
    /// those of the moment in which the pool started its first worker, files that it has opened have one position for all
    /// workers, a random generator that it has seeded gives all of them the same numbers. It must not lock a `Mutex` (Swift's
    /// remembers which thread it is in, and the workers would be another). Where forking is not sound or not
    /// possible, as when the program has started threads by then, and until the first program is ready, workers are spawned.
    case forkServer
}
