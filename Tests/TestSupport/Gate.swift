import Glibc

/// A place where threads of a test wait for each other. Every wait is bounded: a test that gets there has failed.
///
/// `@unchecked Sendable`: a POSIX semaphore may be used from any thread.
public final class Gate: @unchecked Sendable {
    /// Nothing happened for a minute.
    public struct Stuck: Error {}

    private let semaphore: UnsafeMutablePointer<sem_t>

    /// A gate that nobody has opened.
    public init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets `count` waits through, now or later.
    public func open(_ count: Int = 1) {
        for _ in 0..<count { sem_post(semaphore) }
    }

    /// Blocks until `count` openings were made for it.
    public func wait(_ count: Int = 1) throws {
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += 60
        for _ in 0..<count {
            while sem_timedwait(semaphore, &limit) != 0 {
                if errno == ETIMEDOUT { throw Stuck() }
            }
        }
    }
}

/// Yields the processor until the condition holds, for a minute at most: for states that nobody announces, such as a
/// thread having gone to sleep.
public func spin(until condition: () -> Bool) throws {
    let end = ContinuousClock.now + .seconds(60)
    while !condition() {
        if ContinuousClock.now > end { throw Gate.Stuck() }
        sched_yield()
    }
}

/// Like the blocking form, for async tests.
public func spin(until condition: @Sendable () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while !condition() {
        if ContinuousClock.now > end { throw Gate.Stuck() }
        await Task.yield()
    }
}

/// Threads of a test's own, so that blocking in them takes no thread from Swift's pool.
public final class TestThreads: @unchecked Sendable {
    private var threads: [pthread_t] = []

    /// No threads yet.
    public init() {}

    /// Starts a thread.
    public func start(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(run: body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(result == 0, "pthread_create: \(result)")
        threads.append(thread)
    }

    /// Waits for all of them. To be called by the test, from one thread.
    public func join() {
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
