"""Measures this package's process pool beside Python's pools and the machine's limits, all in one run, and prints the
table.

    Benchmarks/compare.sh                     honest repetitions: about half an hour
    Benchmarks/compare.sh --quick             one short repetition: four minutes with all peers
    Benchmarks/compare.sh --check             a test that every row works; no peers, no network, figures mean nothing
    Benchmarks/compare.sh --render FOLDER     the table of an earlier run again

Every measurement goes to measurements.csv in a folder of Benchmarks/results/, with the command that made it. The table
goes to table.md there and to standard output, and to ratios.svg how ours compares with the best peers. The peers, and
matplotlib, are installed into Benchmarks/.venv when they are not there; the environment variable PYTHON names the
interpreter (3.10 or later; python3). Benchmarks/curves.sh measures how costs grow.
"""

import json
import os
import sys
import time

import entry
import machine
import measurements
import prepare
import run
import table
from prepare import say
from rows import LIMITS, MODES, ROWS, groups, limits_of
from systems import OURS, SYSTEMS


def arguments(given=None):
    parser = entry.parser("compare", __doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", dest="mode", action="store_const", const="quick", default="full", help="see above")
    mode.add_argument("--check", dest="mode", action="store_const", const="check", help="see above")
    mode.add_argument("--render", metavar="FOLDER", help="see above")
    parser.add_argument(
        "--systems", type=entry.listed(SYSTEMS), metavar="A,B", help=f"only these, of: {', '.join(SYSTEMS)}"
    )
    parser.add_argument("--rows", type=entry.listed(ROWS), metavar="A,B", help=f"only these, of: {', '.join(ROWS)}")
    parser.add_argument("--repetitions", type=entry.positive, metavar="N", help="instead of the mode's own")
    parser.add_argument("--workers", type=entry.positive, metavar="N", help="instead of one for each usable processor")
    options = parser.parse_args(given)
    options.rows = options.rows or list(ROWS)
    options.systems = options.systems or ([OURS] if options.mode == "check" else list(SYSTEMS))
    options.mode = MODES[options.mode]
    options.repetitions = options.repetitions or options.mode.repetitions
    options.workers = options.workers or len(os.sched_getaffinity(0))
    return options


class Comparison:
    def __init__(self, options, python, unavailable):
        self.options = options
        self.python = python
        self.unavailable = unavailable
        self.found = []

    def command(self, system, rows):
        """The program of a system for these rows, or of the limits for these limits."""
        options = self.options
        if system == "limits":
            program = [prepare.LIMITS_PROGRAM, "--exec", prepare.OURS_PROGRAM]
            catalogue = LIMITS
        elif system == OURS:
            program = [prepare.OURS_PROGRAM]
            catalogue = ROWS
        else:
            program = [self.python, prepare.PEERS_PROGRAM, "--system", system]
            catalogue = ROWS
        works = [f"{row}={catalogue[row].counts[options.mode.name]}" for row in rows]
        return [*program, "--workers", str(options.workers), "--seconds", f"{options.mode.seconds:g}", *works]

    def measure(self, system, rows, repetition):
        command = self.command(system, rows)
        shown = " ".join(command)
        if system in self.unavailable:
            return measurements.read_lines("", rows, system, repetition, "", self.unavailable[system])
        done = run.run(command, self.options.mode.timeout, prepare.ROOT)
        return measurements.read_lines(done.output, rows, system, repetition, shown, done.problem)

    def go(self, file):
        """Row by row, and in each the systems one after the other, again and again: what disturbs the machine for a
        while then disturbs all of them. Every repetition begins with another system."""
        work = groups(self.options.rows, self.options.mode.grouped)
        for at, rows in enumerate(work, 1):
            for repetition in range(1, self.options.repetitions + 1):
                systems = [("limits", limits_of(rows))] if limits_of(rows) else []
                systems += [(system, rows) for system in self.options.systems]
                shift = (repetition - 1) % len(systems)
                for system, wanted in systems[shift:] + systems[:shift]:
                    self.progress(at, len(work), rows, repetition, system)
                    found = self.measure(system, wanted, repetition)
                    measurements.write(file, found)
                    self.found += found
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)

    def progress(self, at, of, rows, repetition, system):
        text = f"compare: {at}/{of} {rows[0]}{'…' if len(rows) > 1 else ''}, repetition {repetition}, {system}"
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif system == self.options.systems[0]:
            say(text)


def complaints(found, page, options):
    """What a check has to complain of; nothing if all is well."""
    wrong = []
    wanted = [name for name in options.rows if ROWS[name].counts is not None]
    expected = [(row, system) for row in wanted for system in options.systems]
    expected += [(limit, "limits") for limit in limits_of(wanted)]
    present = {(m.row, m.system) for m in found if m.value is not None}
    wrong += [f"{row}, {system}: no figure" for row, system in expected if (row, system) not in present]
    wrong += [f"{m.row}, {m.system}: {m.problem}" for m in found if m.problem and not acceptable(m)]
    lines = page.splitlines()
    for row in options.rows:
        cells = [line.split(" | ") for line in lines if line.startswith(f"| {ROWS[row].title} |")]
        if not cells:
            wrong.append(f"the table has no row '{ROWS[row].title}'")
        elif ROWS[row].counts is not None and OURS in options.systems and not cells[0][1][:1].isdigit():
            wrong.append(f"the table has no figure of ours in '{ROWS[row].title}': {cells[0][1]}")
    return wrong


def acceptable(m):
    return m.system not in ("limits", OURS) and m.problem.startswith("unsupported")


def render(folder, rows):
    with open(os.path.join(folder, "measurements.csv"), encoding="utf-8", newline="") as file:
        found = measurements.read(file)
    with open(os.path.join(folder, "machine.json"), encoding="utf-8") as file:
        described = json.load(file)
    return table.render(found, described, rows)


def write_machine(folder, described):
    with open(os.path.join(folder, "machine.json"), "w", encoding="utf-8") as file:
        json.dump(described, file)


def main():
    options = arguments()
    if options.render:
        print(render(options.render, options.rows))
        return 0
    python = os.environ.get("PYTHON", "python3")
    prepare.build()
    unavailable = {}
    if options.mode.name == "check":
        say("compare: tests of the driver")
        tests = [python, "-m", "unittest", "discover", "-q", "-s", "Benchmarks/tests"]
        prepare.must_run(tests, "the tests of the driver")
    else:
        python, unavailable = prepare.install_peers(python, options.systems)
    # A check leaves one folder, however often it runs.
    name = "check" if options.mode.name == "check" else f"{time.strftime('%Y%m%d-%H%M%S')}-{options.mode.name}"
    folder = os.path.join(prepare.BENCHMARKS, "results", name)
    os.makedirs(folder, exist_ok=True)
    described = [("mode", options.mode.title), *machine.describe(options.workers, prepare.python_versions(python))]
    write_machine(folder, described)
    comparison = Comparison(options, python, unavailable)
    shown = os.path.relpath(folder, prepare.ROOT)
    say(f"compare: measuring; every figure goes to {shown}/measurements.csv")
    with open(os.path.join(folder, "measurements.csv"), "w", encoding="utf-8", newline="") as file:
        measurements.write_header(file)
        comparison.go(file)
    write_machine(folder, [*described, ("load after the run", machine.load())])
    page = render(folder, options.rows)
    with open(os.path.join(folder, "table.md"), "w", encoding="utf-8") as file:
        file.write(page)
    print(page)
    if options.mode.name != "check":
        prepare.draw(folder)
        return 0
    wrong = complaints(comparison.found, page, options)
    for complaint in wrong:
        say(f"compare: {complaint}")
    if not wrong:
        say(f"compare: the check passed; {len(comparison.found)} figures, which say nothing about speed")
    return 1 if wrong else 0


if __name__ == "__main__":
    entry.start("compare", main)
