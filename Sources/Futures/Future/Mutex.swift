import Glibc
import Synchronization

#if FUTURES_THREAD_SANITIZER

    /// Stands in for `Synchronization.Mutex` in builds for the thread sanitizer.
    ///
    /// The waiting path of the standard library's mutex is compiled into that library, where the sanitizer does not see it:
    /// it takes every contended lock for a race. It knows pthread_mutex_t, so with one the same locking is checked.
    ///
    /// `@unchecked Sendable`: `value` is touched with `lock` held only.
    package struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        private let lock: UnsafeMutablePointer<pthread_mutex_t>
        private let value: UnsafeMutablePointer<Value>

        package init(_ initialValue: consuming sending Value) {
            lock = .allocate(capacity: 1)
            pthread_mutex_init(lock, nil)
            value = .allocate(capacity: 1)
            value.initialize(to: initialValue)
        }

        deinit {
            value.deinitialize(count: 1)
            value.deallocate()
            pthread_mutex_destroy(lock)
            lock.deallocate()
        }

        package borrowing func withLock<R: ~Copyable, E: Error>(
            _ body: (inout sending Value) throws(E) -> sending R
        ) throws(E) -> sending R {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            nonisolated(unsafe) let value = value
            return try body(&value.pointee)
        }

        package borrowing func withLockIfAvailable<R: ~Copyable, E: Error>(
            _ body: (inout sending Value) throws(E) -> sending R
        ) throws(E) -> sending R? {
            guard pthread_mutex_trylock(lock) == 0 else { return nil }
            defer { pthread_mutex_unlock(lock) }
            nonisolated(unsafe) let value = value
            return try body(&value.pointee)
        }
    }

#else

    /// The module's lock, and its tests': the standard library's.
    package typealias Mutex = Synchronization.Mutex

#endif
