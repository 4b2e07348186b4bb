/// The tasks that a pool holds, in reusable slots: constant-time access without hashing.
struct TaskTable<Job: Sendable> {
    struct Record {
        var job: Job
        /// How many bytes its arguments take.
        var size: Int
        /// No worker has the number 0. An optional would take as much again.
        private var holder: UInt64 = 0
        /// How often it was handed to a worker; an answer with an older number is late and is dropped.
        var attempt: UInt32 = 0
        /// Somebody waits in `cancel()` for the worker to give it back.
        var isCancelRequested = false
        /// Its worker was told that nobody wants it any more. It is not run again.
        var isInterruptRequested = false
        /// The worker was asked for it.
        var isTakeBackRequested = false
        /// Its worker has come to it, or an earlier one had.
        var hasBegun = false
        /// It failed, and waits for the time of its next attempt.
        var isDelayed = false

        init(_ job: Job, size: Int) {
            self.job = job
            self.size = size
        }

        /// The worker that holds it; nil while it is in the backlog, or delayed.
        var worker: WorkerID? {
            get { holder == 0 ? nil : WorkerID(rawValue: holder) }
            set { holder = newValue?.rawValue ?? 0 }
        }
    }

    private struct Slot {
        var record: Record?
        // After the record, where that leaves room: together they take 40 bytes, the other way round 48.
        var generation: UInt32 = 0
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private(set) var count = 0

    mutating func insert(_ job: Job, size: Int = 0) -> TaskID {
        count += 1
        let record = Record(job, size: size)
        if let slot = free.popLast() {
            slots[slot].record = record
            return TaskID(slot: slot, generation: slots[slot].generation)
        }
        slots.append(Slot(record: record))
        return TaskID(slot: slots.count - 1, generation: 0)
    }

    subscript(id: TaskID) -> Record? {
        guard id.slot < slots.count, slots[id.slot].generation == id.generation else { return nil }
        return slots[id.slot].record
    }

    /// Changes a record in place; does nothing for a task that is gone.
    mutating func update(_ id: TaskID, _ change: (inout Record) -> Void) {
        guard id.slot < slots.count, slots[id.slot].generation == id.generation, slots[id.slot].record != nil else {
            return
        }
        change(&slots[id.slot].record!)
    }

    @discardableResult
    mutating func remove(_ id: TaskID) -> Record? {
        guard id.slot < slots.count, slots[id.slot].generation == id.generation,
            let record = slots[id.slot].record
        else { return nil }
        slots[id.slot].record = nil
        slots[id.slot].generation &+= 1
        free.append(id.slot)
        count -= 1
        return record
    }

    /// Whether a task is in the backlog.
    func waits(_ id: TaskID) -> Bool {
        guard let record = self[id] else { return false }
        return record.worker == nil && !record.isDelayed
    }

    /// All tasks, in no particular order.
    var ids: [TaskID] {
        slots.indices.compactMap { slots[$0].record == nil ? nil : TaskID(slot: $0, generation: slots[$0].generation) }
    }
}
