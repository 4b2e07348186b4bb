"""The rows of the table, the limits they are held against, and how large a measurement is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    name: str
    title: str
    repetitions: int
    #: How long a program measures a row in one repetition, at least once.
    seconds: float
    #: After so many seconds a run is ended.
    timeout: float
    #: Whether a program measures several rows in one run, on one pool: starting Ray takes seconds.
    grouped: bool


MODES = {
    "full": Mode("full", "full: each row for a second or more", repetitions=3, seconds=1, timeout=240, grouped=False),
    "quick": Mode("quick", "quick: a first impression", repetitions=1, seconds=0.1, timeout=60, grouped=True),
    "check": Mode("check", "check: the figures mean nothing", repetitions=1, seconds=0, timeout=30, grouped=True),
}


@dataclass(frozen=True)
class Limit:
    name: str
    title: str
    unit: str
    #: The size of one measurement, by mode.
    counts: dict


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    unit: str
    higher_is_better: bool
    #: The size of one measurement, by mode; None for a row that cannot be measured yet.
    counts: dict | None
    #: What is to be reached, in words and as a number in `unit`, or as a multiple of the first limit.
    reach: str
    goal: float | None = None
    goal_by_limit: float | None = None
    #: Names of limits; ours is compared with the first one.
    limits: tuple = ()


def counts(full, quick, check):
    return {"full": full, "quick": quick, "check": check}


MIB = 1 << 20

#: What is measured for curves only, with its unit.
CURVE_ROWS = {"chunks": "/s", "busy_map": "%"}

LIMITS = {
    limit.name: limit
    for limit in [
        Limit("pipe_blocking", "C over two pipes, blocking", "us", counts(2000, 1000, 50)),
        Limit("pipe_spinning", "C over two pipes, spinning", "us", counts(2000, 1000, 50)),
        Limit("pipe_messages", "C, 32-byte messages there and back in batches", "/s", counts(1_000_000, 500_000, 10_000)),
        Limit("echo_shared", "C, shared memory", "GB/s", counts(64 * MIB, 64 * MIB, MIB)),
        Limit("echo_pipes", "C, pipes", "GB/s", counts(64 * MIB, 64 * MIB, MIB)),
        Limit("memcpy", "memcpy", "GB/s", counts(64 * MIB, 64 * MIB, MIB)),
        Limit("spin_10us", "C, the same in a process for each worker", "%", counts(3000, 3000, 50)),
        Limit("spin_100us", "C, the same in a process for each worker", "%", counts(2000, 1000, 50)),
        Limit("spin_1000us", "C, the same in a process for each worker", "%", counts(500, 200, 20)),
        Limit("spawn_exit_wait", "C, posix_spawn", "/s", counts(200, 100, 10)),
        Limit("fork_exit_wait", "C, fork of a small process", "/s", counts(200, 100, 10)),
        Limit("exec_swift", "exec of a Swift program to its first byte", "ms", counts(20, 10, 2)),
        Limit("exec_c", "exec of a C program to its first byte", "ms", counts(20, 10, 2)),
    ]
}

ROWS = {
    row.name: row
    for row in [
        Row(
            "round_trip", "round trip of an empty task, median", "us", False, counts(500, 200, 10), "3 µs", goal=3,
            limits=("pipe_spinning",),
        ),
        Row(
            "round_trip_blocking", "the same, sleeping at once", "us", False, counts(500, 200, 10),
            "within 1.1 × C", goal_by_limit=1.1, limits=("pipe_blocking",),
        ),
        Row(
            "burst", "burst of empty tasks", "/s", True, counts(10_000, 1_000, 200), "1,000,000 /s", goal=1e6,
            limits=("pipe_messages",),
        ),
        Row(
            "map", "map over integers, chunks of 1000", "/s", True, counts(300_000, 100_000, 5_000),
            "100 M items/s", goal=100e6,
        ),
        Row(
            "payload", "64 MiB there and back", "GB/s", True, counts(64 * MIB, 64 * MIB, MIB), "5 GB/s", goal=5,
            limits=("echo_shared", "echo_pipes", "memcpy"),
        ),
        Row(
            "busy_10us", "share of ideal speed, tasks of 10 µs", "%", True, counts(3000, 500, 50), "80 %", goal=80,
            limits=("spin_10us",),
        ),
        Row(
            "busy_100us", "share of ideal speed, tasks of 100 µs", "%", True, counts(2000, 500, 50), "95 %", goal=95,
            limits=("spin_100us",),
        ),
        Row(
            "busy_1000us", "share of ideal speed, tasks of 1000 µs", "%", True, counts(500, 200, 20), "99 %", goal=99,
            limits=("spin_1000us",),
        ),
        Row(
            "fresh_worker", "a fresh worker for every task", "/s", True, counts(40, 10, 4), "1,500 /s with a zygote",
            goal=1500, limits=("fork_exit_wait",),
        ),
        Row(
            "spawned_worker", "the same, the worker being spawned", "/s", True, counts(40, 10, 4), "500 /s by spawning",
            goal=500, limits=("spawn_exit_wait",),
        ),
        Row(
            "start", "start of a pool to its first result", "ms", False, counts(1, 1, 1), "8 ms", goal=8,
            limits=("exec_swift", "exec_c"),
        ),
        Row(
            "pending_memory", "memory for a pending task in the parent", "B", False, counts(10_000, 1_000, 1_000),
            "300 B", goal=300,
        ),
        Row("idle_memory", "private memory of an idle worker", "MB", False, counts(1, 1, 1), "3 MB", goal=3),
        Row(
            "idle_time", "processor time of an idle pool, for each second", "us", False, counts(10, 2, 1), "none", goal=0,
        ),
        Row("tls_burst", "burst of empty tasks over loopback TCP with TLS", "/s", True, None, "300,000 /s", goal=3e5),
    ]
}

#: The rows that a warm pool can do one after the other.
WARM = ("round_trip", "round_trip_blocking", "burst", "map", "payload", "busy_10us", "busy_100us", "busy_1000us")


def groups(names, grouped):
    """Which rows a program measures in one run."""
    names = [name for name in names if ROWS[name].counts is not None]
    if not grouped:
        return [[name] for name in names]
    warm = [name for name in names if name in WARM]
    others = [name for name in names if name not in WARM]
    return ([warm] if warm else []) + [[name] for name in others]


def unit_of(name):
    """The unit of a row or a limit; None for what is neither."""
    catalogued = ROWS.get(name) or LIMITS.get(name)
    return catalogued.unit if catalogued else CURVE_ROWS.get(name)


def limits_of(names):
    return [limit for name in names for limit in ROWS[name].limits]
