"""The workloads on Python's process pools.

    bench.py --system NAME [--workers N] [--seconds S] ROW=COUNT...

Prints one line `row,value,unit` for each measurement, or `row,unsupported,reason`. COUNT is the size of one
measurement; a row is measured until S seconds have passed, at least once. Sources/PoolBenchmark has the same rows for
ours; what each means stands there and in docs/performance.md.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

import pools
import tasks


class Workloads:
    def __init__(self, make_pool, workers, seconds):
        self.make_pool = make_pool
        self.workers = workers
        self.seconds = seconds
        self.warm_pool = None

    def measure(self, row, count):
        known = {
            "round_trip": lambda count: self.round_trip(row, count),
            # They all sleep at once.
            "round_trip_blocking": lambda count: self.round_trip(row, count),
            "burst": self.burst,
            "map": lambda count: self.map("map", count, 1000),
            # A hundred chunks, but no fewer than 20,000 integers and no more than 4,000,000.
            "chunks": lambda size: self.map("chunks", min(max(100 * size, 20_000), 4_000_000), size),
            "payload": self.payload,
            "fresh_worker": lambda count: self.fresh_worker(row, count),
            "spawned_worker": lambda count: self.fresh_worker(row, count),
            "busy_10us": lambda count: self.busy(row, 10, count),
            "busy_100us": lambda count: self.busy(row, 100, count),
            "busy_1000us": lambda count: self.busy(row, 1000, count),
            "start": self.start,
            "pending_memory": self.pending_memory,
            "idle_memory": self.idle_memory,
            "idle_time": self.idle_time,
        }
        if row not in known:
            raise SystemExit(f"bench.py: there is no row '{row}'")
        # Some pools cannot be there twice, so the warm one makes room.
        if row in ("fresh_worker", "spawned_worker", "start", "pending_memory", "idle_memory", "idle_time"):
            self.end()
        try:
            known[row](count)
        except pools.Unsupported as reason:
            print(f"{row},unsupported,{reason}".replace("\n", " "), flush=True)

    def end(self):
        if self.warm_pool is not None:
            self.warm_pool.stop()
            self.warm_pool = None

    def pool(self):
        """A pool whose workers are all there, the same for all rows that want one."""
        if self.warm_pool is None:
            self.warm_pool = self.make_pool(self.workers)
            self.worker_ids(self.warm_pool)
        return self.warm_pool

    def worker_ids(self, pool):
        """The processes of all workers, each of which has run something then."""
        seen = set()
        for _ in range(200):
            if len(seen) >= self.workers:
                break
            seen.update(pool.run_all(tasks.nap, [0] * (self.workers * 2)))
        if len(seen) != self.workers:
            raise SystemExit(f"bench.py: {len(seen)} of {self.workers} workers ran a task")
        return seen

    def repeatedly(self, measurement, warm_up, at_least=1):
        """Does something once unmeasured, then so many times, and until the time is up."""
        warm_up()
        end = time.monotonic() + self.seconds
        done = 0
        while done < at_least or time.monotonic() < end:
            measurement()
            done += 1

    def rate(self, row, count, run, value=None, unit="/s"):
        """Measures `run(count)`, after a tenth of it to warm up."""

        def measurement():
            begin = time.monotonic()
            run(count)
            took = time.monotonic() - begin
            report(row, value(took) if value else count / took, unit)

        self.repeatedly(measurement, lambda: run((count + 9) // 10))

    def round_trip(self, row, count):
        pool = self.pool()

        def measurement():
            times = []
            for _ in range(count):
                begin = time.monotonic()
                pool.call(tasks.empty, 0)
                times.append(time.monotonic() - begin)
            report(row, statistics.median(times) * 1e6, "us")

        self.repeatedly(measurement, lambda: [pool.call(tasks.empty, 0) for _ in range((count + 9) // 10)])

    def burst(self, count):
        pool = self.pool()

        def run(count):
            expect("burst", pool.run_all(tasks.empty, range(count)) == [None] * count)

        self.rate("burst", count, run)

    def map(self, row, count, chunk_size):
        pool = self.pool()

        def measurement():
            begin = time.monotonic()
            results = list(pool.map(tasks.increment, range(count), chunk_size))
            report(row, count / (time.monotonic() - begin), "/s")
            expect(row, len(results) == count and sum(results) == count * (count + 1) // 2)

        self.repeatedly(measurement, lambda: list(pool.map(tasks.increment, range((count + 9) // 10), chunk_size)))

    def payload(self, count):
        pool = self.pool()
        data = os.urandom(count)

        def measurement():
            begin = time.monotonic()
            answer = pool.call(tasks.echo, data)
            report("payload", 2 * count / (time.monotonic() - begin) / 1e9, "GB/s")
            expect("payload", answer == data)

        # A virtual machine may have to get its memory from its host first, which takes many times as long.
        self.repeatedly(measurement, lambda: [pool.call(tasks.echo, data) for _ in range(3)], at_least=3)

    def fresh_worker(self, row, count):
        # Of the pools that say how their workers start, one spawns them.
        if row == "spawned_worker" and getattr(self.make_pool, "method", None) != "spawn":
            raise pools.Unsupported("see the row above")
        pool = self.make_pool(self.workers, tasks_per_child=1)

        def run(count):
            processes = set(pool.run_all(tasks.process_id, range(count)))
            expect(row, len(processes) == count, f"{count} tasks ran in {len(processes)} processes")

        self.rate(row, count, run)
        pool.stop()

    def busy(self, row, microseconds, count):
        pool = self.pool()

        def run(count):
            expect(row, sum(pool.run_all(tasks.busy, [microseconds] * count)) == count * microseconds)

        ideal = count * microseconds / 1e6 / self.workers
        self.rate(row, count, run, lambda took: 100 * ideal / took, "%")

    def start(self, _):
        """Once: a program that has had a pool starts the next one faster."""
        begin = time.monotonic()
        pool = self.make_pool(self.workers)
        result = pool.call(tasks.increment, 1)
        report("start", (time.monotonic() - begin) * 1e3, "ms")
        expect("start", result == 2)
        pool.stop()

    def pending_memory(self, count):
        pool = self.make_pool(self.workers)
        pool.results([pool.submit(tasks.increment, 1) for _ in range(100)])
        self.worker_ids(pool)
        with tempfile.TemporaryDirectory() as folder:
            gate = os.path.join(folder, "gate")
            gates = [pool.submit(tasks.await_file, gate) for _ in range(self.workers)]
            time.sleep(0.2)
            before = kilobytes("/proc/self/status", "RssAnon:") * 1024
            handles = [pool.submit(tasks.increment, number) for number in range(count)]
            # What is handed on by threads of the pool is there then, too.
            time.sleep(0.3)
            after = kilobytes("/proc/self/status", "RssAnon:") * 1024
            open(gate, "w").close()
            pool.results(gates)
        expect("pending_memory", sum(pool.results(handles)) == count * (count + 1) // 2)
        report("pending_memory", (after - before) / count, "B")
        pool.stop()

    def idle_memory(self, _):
        pool = self.make_pool(self.workers)
        processes = self.worker_ids(pool)
        time.sleep(0.3)
        sizes = [
            kilobytes(f"/proc/{process}/smaps_rollup", "Private_Clean:", "Private_Dirty:") * 1024
            for process in processes
        ]
        report("idle_memory", statistics.median(sizes) / 1e6, "MB")
        pool.stop()

    def idle_time(self, count):
        pool = self.make_pool(self.workers)
        self.worker_ids(pool)
        time.sleep(0.3)
        before = processor_time()
        time.sleep(count)
        report("idle_time", (processor_time() - before) / 1e3 / count, "us")
        pool.stop()


def kilobytes(path, *names):
    """The sum of the lines of a file of /proc that have these names."""
    with open(path) as file:
        values = [int(line.split()[1]) for line in file if line.split()[0] in names]
    if len(values) != len(names):
        raise SystemExit(f"bench.py: {path} does not tell {names}")
    return sum(values)


def words(path):
    try:
        with open(path) as file:
            return file.read().split()
    except OSError:  # it has ended
        return []


def processor_time():
    """What this process, but for its main thread, and all below it have computed, in nanoseconds."""
    total, processes = 0, [os.getpid()]
    while processes:
        process = processes.pop()
        try:
            threads = os.listdir(f"/proc/{process}/task")
        except OSError:
            continue
        for thread in threads:
            folder = f"/proc/{process}/task/{thread}"
            processes += [int(child) for child in words(f"{folder}/children")]
            if int(thread) != os.getpid():
                total += int((words(f"{folder}/schedstat") or [0])[0])
    return total


def report(row, value, unit):
    """One measurement. Flushed, so that a run that is stopped later has told what it measured before."""
    print(f"{row},{value!r},{unit}", flush=True)


def expect(row, holds, message="wrong results"):
    if not holds:
        raise SystemExit(f"bench.py: {row}: {message}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--system", required=True, choices=pools.POOLS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("rows", nargs="+")
    options = parser.parse_args()
    # Where workers that are not forked find `tasks`.
    os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
    workloads = Workloads(pools.POOLS[options.system], options.workers, options.seconds)
    for argument in options.rows:
        row, _, count = argument.partition("=")
        workloads.measure(row, int(count))
    workloads.end()


if __name__ == "__main__":
    sys.exit(main())
