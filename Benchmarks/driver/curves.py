"""Measures how costs grow: with the number of workers, of waiting tasks, with the size of a payload and of a chunk; and
what automatic sizes of chunks are worth beside fixed ones.

    Benchmarks/curves.sh                     all curves, three repetitions: about twenty minutes
    Benchmarks/curves.sh --curves payload    some of them
    Benchmarks/curves.sh --check             a test that every point can be measured; figures mean nothing, nothing is drawn
    Benchmarks/curves.sh --draw FOLDER       the plots of an earlier run again

Every measurement goes to curves.csv in a folder of Benchmarks/results/, and each curve to an SVG file beside it; what came out
goes to standard output as a table. The plots are drawn by matplotlib, which is installed into Benchmarks/.venv.
"""

import csv
import os
import statistics
import time
from dataclasses import dataclass

import entry
import machine
import measurements
import prepare
import run
import table
from prepare import say
from systems import OURS, SYSTEMS

FIELDS = ["curve", "x", "system", "repetition", "value", "unit", "problem", "command"]
DEFAULT_SYSTEMS = [OURS, "mp-pool", "ppe-fork"]
CHUNK_SIZE_TITLES = {"auto": "automatic"}


@dataclass(frozen=True)
class Curve:
    name: str
    title: str
    x_title: str
    y_title: str
    row: str
    points: tuple
    #: What a check measures.
    check_points: tuple
    #: The row's count, where that is not the point itself; the point is the number of workers then.
    count: int | None = None
    check_count: int | None = None
    #: A line for each of these sizes of chunks, all of them of this package's pool, instead of one for each system.
    chunk_sizes: tuple = ()
    #: Whether figures are shares in percent, from 0 to 100.
    is_share: bool = False

    def lines(self, systems):
        """What there is a line for, the most important first."""
        return list(self.chunk_sizes) or systems

    def line_title(self, name):
        return CHUNK_SIZE_TITLES.get(name, f"{name} in a chunk") if self.chunk_sizes else SYSTEMS[name].title

    def work(self, x, workers, is_check):
        """Workers, and the row's count, of a point."""
        if self.count is None:
            return workers, x
        return x, self.check_count if is_check else self.count

    def y(self, value, x):
        """What is drawn, from what was measured."""
        if self.row == "burst":
            return 1e6 / value
        if self.row == "payload":
            return 2 * x / value / 1e3
        return value


CURVES = {
    curve.name: curve
    for curve in [
        Curve(
            "workers", "A task of a burst of 20,000, by the number of workers", "workers", "µs for a task", "burst",
            (1, 2, 4, 8, 16, 32, 64), (1, 2), count=20_000, check_count=200,
        ),
        Curve(
            "idle", "A call that is waited for, by the number of workers, of which one works", "workers",
            "µs for a call, median", "round_trip", (1, 2, 4, 8, 16, 32, 64), (1, 3), count=300, check_count=5,
        ),
        Curve(
            "pending", "A task of a burst, by the number of tasks that are submitted at once", "tasks", "µs for a task",
            "burst", (10, 100, 1_000, 10_000, 100_000, 1_000_000), (10, 100),
        ),
        Curve(
            "payload", "A call with a payload, there and back, by its size", "bytes", "µs for a call", "payload",
            (1, 16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20), (1, 1 << 20),
        ),
        Curve(
            "chunks", "A map over integers, by the size of its chunks", "integers in a chunk", "integers a second",
            "chunks", (1, 10, 100, 1_000, 10_000, 100_000), (1, 1_000),
        ),
        Curve(
            "automatic", "A map with a second of work for each worker, by the time that an element takes",
            "µs for an element", "% of the speed of workers without cost", "busy_map",
            (1, 10, 100, 1_000, 10_000, 100_000), (10_000,), chunk_sizes=("auto", "1", "10", "100", "1000", "10000"),
            is_share=True,
        ),
    ]
}


def arguments(given=None):
    parser = entry.parser("curves", __doc__)
    parser.add_argument("--curves", type=entry.listed(CURVES), metavar="A,B", help=f"only these, of: {', '.join(CURVES)}")
    parser.add_argument(
        "--systems", type=entry.listed(SYSTEMS), metavar="A,B",
        help=f"these, of: {', '.join(SYSTEMS)}; {','.join(DEFAULT_SYSTEMS)} by default",
    )
    parser.add_argument("--repetitions", type=entry.positive, metavar="N", default=3, help="3 by default")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="see above")
    mode.add_argument("--draw", metavar="FOLDER", help="see above")
    options = parser.parse_args(given)
    options.curves = options.curves or list(CURVES)
    options.systems = options.systems or ([OURS] if options.check else DEFAULT_SYSTEMS)
    if options.check:
        options.repetitions = 1
    return options


def command(line, curve, x, python, options):
    workers, count = curve.work(x, len(os.sched_getaffinity(0)), options.check)
    if curve.chunk_sizes:
        program = [prepare.OURS_PROGRAM, "--chunk-size", line]
    else:
        program = [prepare.OURS_PROGRAM] if line == OURS else [python, prepare.PEERS_PROGRAM, "--system", line]
    seconds = 0 if options.check else 0.3
    return [*program, "--workers", str(workers), "--seconds", f"{seconds:g}", f"{curve.row}={count}"]


def measure(options, python, unavailable, file):
    """Point by point; at each all systems (or sizes of chunks), one after the other. A system that took too long at a point
    is spared the larger ones."""
    writer = csv.writer(file)
    writer.writerow(FIELDS)
    found = []
    for name in options.curves:
        curve = CURVES[name]
        given_up = dict(unavailable)
        for x in curve.check_points if options.check else curve.points:
            say(f"curves: {name}, {x:,} {curve.x_title}")
            for repetition in range(1, options.repetitions + 1):
                for system in curve.lines(options.systems):
                    shown = command(system, curve, x, python, options)
                    output, problem = "", given_up.get(system)
                    if problem is None:
                        output, problem, _ = run.run(shown, 60, prepare.ROOT)
                    if problem.startswith("timed out"):
                        given_up.setdefault(system, f"{problem} at {x:,}")
                    for m in measurements.read_lines(
                        output, [curve.row], system, repetition, " ".join(shown), problem
                    ):
                        value = "" if m.value is None else repr(m.value)
                        writer.writerow([name, x, system, repetition, value, m.unit, m.problem, m.command])
                        found.append((name, x, m))
            file.flush()
    return found


def read(file):
    found = []
    for line in csv.DictReader(file):
        value, problem = (None, line["problem"]) if line["problem"] else measurements.figure(line["value"])
        found.append(
            (
                line["curve"], int(line["x"]),
                measurements.Measurement(
                    CURVES[line["curve"]].row, line["system"], int(line["repetition"]), value, line["unit"], problem,
                    line["command"],
                ),
            )
        )
    return found


def summarise(found):
    """For each curve, for each system, the points (x, y): medians of the repetitions, which count with their medians."""
    grouped = {}
    for name, x, m in found:
        if m.value is not None:
            y = CURVES[name].y(m.value, x)
            repetitions = grouped.setdefault(name, {}).setdefault(m.system, {}).setdefault(x, {})
            repetitions.setdefault(m.repetition, []).append(y)
    return {
        name: {
            system: [
                (x, statistics.median(statistics.median(values) for values in repetitions.values()))
                for x, repetitions in sorted(points.items())
            ]
            for system, points in systems.items()
        }
        for name, systems in grouped.items()
    }


def render(curves):
    lines = []
    for name, systems in curves.items():
        curve = CURVES[name]
        xs = sorted({x for points in systems.values() for x, _ in points})
        lines += [f"{curve.title} ({curve.y_title}):", ""]
        lines.append(table.line([curve.x_title, *(f"{x:,}" for x in xs)]))
        lines.append(table.line(["---"] * (len(xs) + 1)))
        for system, points in systems.items():
            at = dict(points)
            lines.append(table.line([curve.line_title(system), *(table.number(at[x]) if x in at else "–" for x in xs)]))
        lines.append("")
    return "\n".join(lines)


def main():
    options = arguments()
    if options.draw:
        prepare.draw(options.draw)
        return 0
    python = os.environ.get("PYTHON", "python3")
    prepare.build()
    unavailable = {}
    if not options.check:
        python, unavailable = prepare.install_peers(python, options.systems)
    name = "check-curves" if options.check else f"{time.strftime('%Y%m%d-%H%M%S')}-curves"
    folder = os.path.join(prepare.BENCHMARKS, "results", name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "curves.csv"), "w", encoding="utf-8", newline="") as file:
        found = measure(options, python, unavailable, file)
    print(render(summarise(found)))
    for title, text in machine.describe(len(os.sched_getaffinity(0)), prepare.python_versions(python)):
        print(f"- {title}: {text}")
    wrong = [f"{name} at {x:,}, {m.system}: {m.problem}" for name, x, m in found if m.problem]
    for text in dict.fromkeys(wrong):
        say(f"curves: {text}")
    if options.check:
        if not wrong:
            say(f"curves: the check passed; {len(found)} figures, which say nothing about speed")
        return 1 if wrong else 0
    prepare.draw(folder)
    say(f"curves: the figures and plots are in {os.path.relpath(folder, prepare.ROOT)}")
    return 0


if __name__ == "__main__":
    entry.start("curves", main)
