"""Counts the instructions that parts of the library take (a payload encoded, a frame read, a task scheduled, a call run by
a worker), so that a change of speed shows on a machine that is busy with something else, too.

    Benchmarks/parts.sh                          this tree
    Benchmarks/parts.sh REVISION                 this tree beside a revision of it
    Benchmarks/parts.sh REVISION REVISION        two revisions
    Benchmarks/parts.sh --parts worker,future    some parts

The instructions are those of valgrind's callgrind (on Debian, `apt install valgrind`), all threads together, without the
kernel's. Each part is run N times and 2 N times; the difference, divided by N, is what one takes. With --time, nanoseconds
instead: the median of nine runs, those of two revisions in turn; they need a machine that does nothing else.

A revision is built in .build-parts/, which may be deleted at any time. Exit codes: 0, 1 when something failed, 2 for wrong
arguments, 3 with --limit when a part takes more than so many per cent more than in the first revision.
"""

import os
import re
import shutil
import statistics
import subprocess

import entry
import run
from prepare import PreparationError, ROOT, must_run, say

FOLDER = ".build-parts"
PROGRAM = "part-benchmark"
# Enough that what happens now and then, as when a table grows, hardly counts.
COUNTS = {"worker": 10_000, "doubles": 1_000, None: 3_000}
SECONDS = 300


def arguments(given=None):
    parser = entry.parser("parts", __doc__)
    parser.add_argument("revisions", nargs="*", metavar="REVISION", help="see above; two at most")
    parser.add_argument("--parts", metavar="A,B", help="only these")
    parser.add_argument("--time", action="store_true", help="nanoseconds in place of instructions")
    parser.add_argument("--limit", type=float, metavar="PERCENT", help="see the exit codes")
    options = parser.parse_args(given)
    if len(options.revisions) > 2:
        parser.error("there can be two revisions at most")
    if options.limit is not None and not options.revisions:
        parser.error("--limit needs a revision to compare with")
    return options


class Tree:
    """A built tree: this one, or a revision's."""

    def __init__(self, revision=None):
        self.name = "this tree"
        folder = ROOT
        if revision:
            commit = first_line(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"])
            if not commit:
                raise PreparationError(f"there is no revision '{revision}'")
            self.name = commit[:9]
            folder = os.path.join(ROOT, FOLDER, self.name, "swift-futures")
            if not os.path.isdir(folder):
                self.export(commit, folder)
        say(f"parts: building {self.name} (release)")
        build = ["swift", "build", "--package-path", folder, "-c", "release", "--product", PROGRAM]
        must_run(build, f"the build of {self.name}, if it has the parts at all,")
        # callgrind does not read Swift's debugging information, and needs none.
        self.program = os.path.join(ROOT, FOLDER, f"{self.name.replace(' ', '-')}-{PROGRAM}")
        os.makedirs(os.path.dirname(self.program), exist_ok=True)
        must_run(["strip", "--strip-debug", "-o", self.program, f"{folder}/.build/release/{PROGRAM}"], "strip")
        listing = subprocess.run([self.program, "--list"], capture_output=True, text=True, check=True).stdout
        self.parts = dict(line.split("\t") for line in listing.splitlines())

    @staticmethod
    def export(commit, folder):
        """The files of a commit, without a work tree that git would have to know of."""
        archive = f"{folder}.tar"
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        must_run(["git", "archive", "-o", archive, commit], "git archive")
        partial = f"{folder}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        must_run(["tar", "-xf", archive, "-C", partial], "tar")
        os.remove(archive)
        os.rename(partial, folder)

    def output(self, command, part, count):
        done, problem, _ = run.run([*command, self.program, part, str(count)], SECONDS, ROOT)
        if problem:
            raise PreparationError(f"{part} of {self.name} {problem}")
        return done

    def nanoseconds(self, part, count):
        return float(self.output([], part, count).split()[0]) / count

    def instructions(self, part, count):
        def total(count):
            log = os.path.join(ROOT, FOLDER, "callgrind.log")
            tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
            self.output(tool, part, count)
            with open(log, encoding="utf-8", errors="replace") as file:
                found = re.search(r"Collected : (\d+)", file.read())
            if not found:
                raise PreparationError(f"callgrind counted nothing; see {log}")
            return int(found.group(1))

        return (total(2 * count) - total(count)) / count


def first_line(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return (done.stdout.splitlines() or [""])[0] if done.returncode == 0 else ""


def count_of(part, takes_time):
    count = next((count for word, count in COUNTS.items() if word and word in part), COUNTS[None])
    return count * 20 if takes_time else count


def measure(trees, part, takes_time):
    """A figure for each tree; None where it does not have the part."""
    having = [tree for tree in trees if part in tree.parts]
    count = count_of(part, takes_time)
    if takes_time:
        rounds = [{tree: tree.nanoseconds(part, count) for tree in having} for _ in range(9)]
        found = {tree: statistics.median(figures[tree] for figures in rounds) for tree in having}
    else:
        found = {tree: tree.instructions(part, count) for tree in having}
    return [found.get(tree) for tree in trees]


def row(part, figures):
    shown = ["–" if figure is None else f"{figure:,.0f}" for figure in figures]
    if len(figures) == 2:
        change = change_of(figures)
        shown.append("–" if change is None else f"{change:+.1f} %")
    return f"| {part} | {' | '.join(shown)} |"


def change_of(figures):
    """In per cent; None where there is nothing to compare."""
    if len(figures) < 2 or None in figures or figures[0] == 0:
        return None
    return 100 * (figures[1] / figures[0] - 1)


def main():
    options = arguments()
    if not options.time and not shutil.which("valgrind"):
        raise PreparationError("this counts instructions with valgrind, which is not there; --time does without")
    must_run(["scripts/setup.sh"], "the set-up")
    trees = [Tree(revision) for revision in options.revisions]
    if len(trees) < 2:
        trees.append(Tree())
    known = {part: about for tree in trees for part, about in tree.parts.items()}
    wanted = options.parts.split(",") if options.parts else list(known)
    for part in wanted:
        if part not in known:
            raise PreparationError(f"there is no part '{part}'; there are: {', '.join(known)}")
    unit = "nanoseconds" if options.time else "instructions"
    titles = [tree.name for tree in trees] + (["change"] if len(trees) == 2 else [])
    print(f"| {unit} | {' | '.join(titles)} |\n|{' --- |' * (len(titles) + 1)}")
    worse = []
    for part in wanted:
        figures = measure(trees, part, options.time)
        print(row(f"{part}: {known[part]}", figures), flush=True)
        change = change_of(figures)
        if options.limit is not None and change is not None and change > options.limit:
            worse.append(f"{part}: {change:+.1f} %")
    for line in worse:
        say(f"parts: takes more than it may: {line}")
    return 3 if worse else 0


if __name__ == "__main__":
    entry.start("parts", main)
