/// Who is still to be told that futures have ended.
///
/// Waking a thread costs as much as several calls do. Who ends many futures ends them all before it wakes the first thread,
/// which then finds them all done, and does not sleep again for each. Nor does a callback that waits for another of them wait
/// for itself.
struct Notifications {
    private final class Notification {
        let future: AnyFuture
        var aftermath: AnyFuture.Aftermath

        init(_ future: AnyFuture, _ aftermath: consuming AnyFuture.Aftermath) {
            self.future = future
            self.aftermath = consume aftermath
        }
    }

    /// Futures that only threads wait for, which sleep.
    private var sleptOn: [AnyFuture] = []
    private var others: [Notification] = []

    var isEmpty: Bool { sleptOn.isEmpty && others.isEmpty }

    /// - Parameter aftermath: nil for a future that was done before.
    mutating func add(_ future: AnyFuture, _ aftermath: consuming AnyFuture.Aftermath?) {
        guard let aftermath, !aftermath.concernsNobody else { return }
        if aftermath.observers.isEmpty, aftermath.callbacks.isEmpty {
            sleptOn.append(future)
        } else {
            others.append(Notification(future, aftermath))
        }
    }

    /// Tells them: first all who wait, then the callbacks, which may take as long as they like. With no lock held, since the
    /// users' callbacks may run here (``FutureOwner/runCallbacks(endedByOwner:_:)``).
    mutating func send() {
        guard !isEmpty else { return }
        for future in sleptOn { future.word.wakeAll() }
        sleptOn.removeAll(keepingCapacity: true)
        let now = others
        others.removeAll(keepingCapacity: true)
        for notification in now { notification.future.notifyWaiters(&notification.aftermath) }
        for notification in now { notification.future.runCallbacks(&notification.aftermath, byOwner: true) }
    }
}

extension AnyFuture {
    /// Ends the call with an error, if it is not done already; who waits for it is told later.
    final func fail(_ error: any Error, _ later: inout Notifications) { later.add(self, endFailed(error)) }

    /// Cancels the call, also when it runs, if it is not done already; who waits for it is told later.
    final func cancelByOwner(_ later: inout Notifications) {
        later.add(self, end(as: .cancelledAndNotified, alsoWhenRunning: true) {})
    }
}
