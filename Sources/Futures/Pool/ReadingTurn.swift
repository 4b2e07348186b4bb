/// What a thread that reads from workers has in hand.
///
/// `@unchecked Sendable`: belongs to that thread.
final class ReadingTurn: @unchecked Sendable {
    /// What was read from a worker and is not with the scheduler yet.
    var results = ResultBatch()
    /// Who is told of futures at the end of a step.
    var notifications = Notifications()

    /// Tells them. They may come back here.
    func sendNotifications() {
        guard !notifications.isEmpty else { return }
        var now = Notifications()
        swap(&now, &notifications)
        now.send()
        if notifications.isEmpty { swap(&now, &notifications) }
    }
}
