"""Measures maps over large data beside GNU parallel, Python's Pool.imap_unordered and plain loops, all in one run: counting
words, and the SHA-256 of each MiB, of a file and of a pipe; many elements one by one; compression; and what a resume loses.

    Benchmarks/data.sh                   1 GiB, 100,000,000 elements, three repetitions: about half an hour
    Benchmarks/data.sh --size 64M        less of it
    Benchmarks/data.sh --rows elements   some of it
    Benchmarks/data.sh --check           a test that everything works: a MiB, no plots, figures mean nothing

Every measurement goes to data.csv in a folder of Benchmarks/results/, with the command that made it, and the tables to data.md
there and to standard output. Data that is read is in the page cache. What a system has counted or summed up is compared with
what the others have. GNU parallel is used where it is installed.
"""

import filecmp
import os
import random
import shutil
import time
from dataclasses import dataclass

import entry
import machine
import measurements
import prepare
import run
import table
from measurements import Measurement
from prepare import say

ROOT = prepare.ROOT
HOST = ".build/release/worker-host"
OURS = "Benchmarks/.build/release/data-benchmark"
PEERS = "Benchmarks/peers/data.py"
FOLDER = "Benchmarks/.build/data"

#: By name, with what the table calls them.
SYSTEMS = {
    "ours": "ours",
    "parallel": "GNU parallel",
    "imap": "Pool.imap_unordered",
    "python-loop": "a loop in Python",
    "swift-loop": "a loop in Swift",
    "c": "one C program",
}
#: What can be asked for.
ROWS = ("words_file", "words_code", "words_pipe", "hash_file", "hash_pipe", "elements", "compression", "resume")
#: What ours is compared with; the others are no tools for the same.
PEER_SYSTEMS = ("parallel", "imap", "python-loop", "swift-loop")


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    unit: str
    #: By system: a line for the shell.
    commands: dict
    higher_is_better: bool = True
    #: What the output has to come to; nothing for a program that prints its figures and checks by itself.
    answer: object = None
    #: The rows that programs print, in place of their time.
    printed: tuple = ()


def byte_count(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number = text[:-1] if text[-1:] in units else text
    return entry.positive(number) * units.get(text[-1:], 1)


def arguments(given=None):
    parser = entry.parser("data", __doc__)
    parser.add_argument("--size", type=byte_count, metavar="SIZE", default=1 << 30, help="of the text; 1G by default")
    parser.add_argument("--elements", type=entry.positive, metavar="N", default=100_000_000, help="how many, one by one")
    parser.add_argument("--rows", type=entry.listed(ROWS), metavar="A,B", help=f"only these, of: {', '.join(ROWS)}")
    parser.add_argument("--repetitions", type=entry.positive, metavar="N", default=3, help="3 by default")
    parser.add_argument("--workers", type=entry.positive, metavar="N", help="instead of one for each usable processor")
    parser.add_argument("--check", action="store_true", help="see above")
    options = parser.parse_args(given)
    options.workers = options.workers or len(os.sched_getaffinity(0))
    options.rows = options.rows or list(ROWS)
    if options.check:
        options.size, options.elements, options.repetitions = 1 << 20, 10_000, 1
    return options


def make_text(path, size):
    """Lines of ten words on average, from a vocabulary; the same each time."""
    if os.path.exists(path) and os.path.getsize(path) == size:
        return
    rng = random.Random(7)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(2, 11))) for _ in range(20_000)]
    block = bytearray()
    while len(block) < 4 << 20:
        block += " ".join(rng.choices(vocabulary, k=rng.randint(1, 19))).encode() + b"\n"
    # It ends with a whole line, which all count in the same way.
    write(path, block, size - 1)
    with open(path, "ab") as file:
        file.write(b"\n")


def make_noise(path, size):
    if not os.path.exists(path) or os.path.getsize(path) != size:
        write(path, random.Random(7).randbytes(min(size, 64 << 20)), size)


def write(path, block, size):
    with open(path, "wb") as file:
        while size > 0:
            size -= file.write(block[:size])


def sums(output):
    """Of three columns."""
    rows = [[int(number) for number in line.split()[:3]] for line in output.splitlines()]
    return [sum(column) for column in zip(*rows)]


def digests(output):
    return [line.split()[0] for line in output.splitlines()]


def rows(options, python, text):
    n = options.workers
    peers = f"{python} {PEERS} --workers {n}"
    return [
        Row(
            "words_file", "lines, words and bytes of a file", "GB/s",
            {
                "ours": f"{HOST} map count --sum --workers {n} {text}",
                "parallel": f"parallel --pipe-part -a {text} --block -1 -j {n} wc",
                "imap": f"{peers} words imap {text}",
                "python-loop": f"{peers} words loop {text}",
                "swift-loop": f"{OURS} words-loop {text}",
                "c": f"wc {text}",
            },
            answer=sums,
        ),
        Row(
            "words_code", "lines, words and bytes with `reduce` in Swift", "GB/s",
            {"ours": f"{OURS} --workers {n} words {text}", "swift-loop": f"{OURS} words-loop {text}"}, answer=sums,
        ),
        Row(
            "words_pipe", "lines, words and bytes from a pipe", "GB/s",
            {
                "ours": f"cat {text} | {HOST} map count --sum --workers {n}",
                "parallel": f"cat {text} | parallel --pipe --roundrobin --block 1M -j {n} wc",
                "imap": f"cat {text} | {peers} words imap -",
                "python-loop": f"cat {text} | {peers} words loop -",
                "c": f"cat {text} | wc",
            },
            answer=sums,
        ),
        Row(
            "hash_file", "SHA-256 of each MiB of a file", "GB/s",
            {
                "ours": f"{HOST} map sha256 --by bytes:1M --block 1M --workers {n} {text}",
                "parallel": f"parallel --pipe-part -a {text} --recend '' --block 1M -k -j {n} sha256sum",
                "imap": f"{peers} hash imap {text}",
                "python-loop": f"{peers} hash loop {text}",
            },
            answer=digests,
        ),
        Row(
            "hash_pipe", "SHA-256 of each MiB from a pipe", "GB/s",
            {
                "ours": f"cat {text} | {HOST} map sha256 --by bytes:1M --block 1M --workers {n}",
                "parallel": f"cat {text} | parallel --pipe --recend '' --block 1M -k -j {n} sha256sum",
                "imap": f"cat {text} | {peers} hash imap -",
                "python-loop": f"cat {text} | {peers} hash loop -",
            },
            answer=digests,
        ),
        Row(
            "elements", f"{options.elements:,} integers one by one", "/s",
            {
                "ours": f"{OURS} --workers {n} elements {options.elements}",
                "imap": f"{peers} elements imap {options.elements}",
            },
            printed=("elements", "elements_memory"),
        ),
    ]


class Measuring:
    def __init__(self, options):
        self.options = options
        self.found = []
        self.answers = {}

    def run(self, command, timeout=600):
        # The programs' own locale would make wc slower.
        return run.run(["sh", "-c", f"export LC_ALL=C; {command}"], timeout, ROOT)

    def add(self, row, system, repetition, value, unit, problem, command):
        self.found.append(Measurement(row, system, repetition, value, unit, problem, command))

    def measure(self, row, size):
        for repetition in range(1, self.options.repetitions + 1):
            systems = list(row.commands)
            shift = (repetition - 1) % len(systems)
            for system in systems[shift:] + systems[:shift]:
                say(f"data: {row.name}, repetition {repetition}, {system}")
                command = row.commands[system]
                if system == "parallel" and not shutil.which("parallel"):
                    self.add(row.name, system, repetition, None, row.unit, "not installed", command)
                    continue
                done = self.run(command)
                problem = done.problem or self.wrong(row, system, done.output)
                if row.printed:
                    self.add_printed(row.printed, system, repetition, done.output, problem, command)
                else:
                    value = None if problem else size / done.seconds / 1e9
                    self.add(row.name, system, repetition, value, row.unit, problem, command)

    def wrong(self, row, system, output):
        """What is wrong with an answer: all have to be what the first one was."""
        if row.answer is None:
            return ""
        try:
            answer = row.answer(output)
        except (ValueError, IndexError):
            return f"it printed '{output[:60]}'"
        kind = row.answer.__name__
        expected = self.answers.setdefault(kind, answer)
        return "" if answer and answer == expected else "its result is another one than that of the first system"

    def add_printed(self, names, system, repetition, output, problem, command, suffix=""):
        """What a program prints as lines `name,value,unit`."""
        lines = dict(line.split(",", 1) for line in output.splitlines() if "," in line)
        for name in names:
            text, _, unit = lines.get(name, "").partition(",")
            value, wrong = (None, problem) if problem else measurements.figure(text)
            self.add(name + suffix, system, repetition, value, unit, wrong, command)

    # What only ours has.

    def compression(self, text, noise):
        for repetition in range(1, self.options.repetitions + 1):
            for name, path in (("text", text), ("noise", noise)):
                for level in (0, 1, 6, 9):
                    say(f"data: compression of {name} with level {level}, repetition {repetition}")
                    command = f"{OURS} --workers {self.options.workers} compression {path} {level}"
                    done = self.run(command)
                    self.add_printed(
                        ("compression", "compression_share"), "ours", repetition, done.output, done.problem, command,
                        suffix=f"_{name}_{level}",
                    )

    def resume(self, text):
        """A run with a journal that is killed when half of its time is over, and resumed."""
        journal, whole, parts = (os.path.join(FOLDER, name) for name in ("journal", "whole", "parts"))
        plain = f"{HOST} map gzip --workers {self.options.workers} {text} -o"
        kept = f"{HOST} map gzip --workers {self.options.workers} --journal {journal}"
        for repetition in range(1, self.options.repetitions + 1):
            say(f"data: resume, repetition {repetition}")
            for path in (journal, whole, parts):
                if os.path.exists(os.path.join(ROOT, path)):
                    os.remove(os.path.join(ROOT, path))
            alone = self.run(f"{plain} {whole}")
            journaled = self.run(f"exec {kept} {text} -o {parts}")
            os.remove(os.path.join(ROOT, journal))
            killed = self.run(f"exec {kept} {text} -o {parts}", timeout=journaled.seconds / 2)
            resumed = self.run(f"exec {kept} --resume {text} -o {parts}")
            problem = next((done.problem for done in (alone, journaled, resumed) if done.problem), "")
            if not problem and not killed.problem.startswith("timed out"):
                problem = "it was ready before it could be killed"
            if not problem and not filecmp.cmp(os.path.join(ROOT, whole), os.path.join(ROOT, parts), shallow=False):
                problem = "the resumed output is another one"
            figures = {
                "resume_plain": alone.seconds, "resume_journaled": journaled.seconds, "resume_killed": killed.seconds,
                "resume_resumed": resumed.seconds,
                "resume_lost": killed.seconds + resumed.seconds - journaled.seconds,
            }
            for name, value in figures.items():
                self.add(name, "ours", repetition, None if problem else value, "s", problem, f"{kept} --resume {text}")


RESUMES = {
    "plain": "without a journal", "journaled": "with one", "killed": "until the kill", "resumed": "the rest",
    "lost": "lost by the kill",
}


class Results:
    """What was measured, by row and system."""

    def __init__(self, found):
        grouped = {}
        for m in found:
            grouped.setdefault((m.row, m.system), []).append(m)
        self.summaries = {key: table.summarise(several) for key, several in grouped.items()}
        self.units = {m.row: m.unit for m in found if m.value is not None}

    def __getitem__(self, key):
        return self.summaries.get(key, table.Summary(None, None, None, 0, "–"))

    def cell(self, row, system):
        return table.cell(self[row, system], self.units.get(row, ""), spread=True)


def page(results, all_rows, options, described):
    names = list(SYSTEMS)
    lines = [
        table.line(["what", *(SYSTEMS[name] for name in names), "ours : best other"]),
        table.line(["---"] * (len(names) + 2)),
    ]
    memory = Row("elements_memory", "the parent's memory meanwhile, at most", "MB", {}, higher_is_better=False)
    for row in [*all_rows, memory] if "elements" in options.rows else all_rows:
        others = [results[row.name, system].value for system in PEER_SYSTEMS]
        others = [value for value in others if value is not None]
        best = (max if row.higher_is_better else min)(others, default=None)
        ratio = table.ratio(row, results[row.name, "ours"].value, best)
        lines.append(table.line([row.title, *(results.cell(row.name, system) for system in names), ratio]))
    if "compression" in options.rows:
        lines += compression_table(results)
    if "resume" in options.rows:
        lines += ["", "A run of `gzip` over the text that is killed halfway, and resumed from its journal:", ""]
        lines += [f"- {title}: {results.cell(f'resume_{name}', 'ours')}" for name, title in RESUMES.items()]
    lines += ["", f"Medians of {options.repetitions} repetitions; in parentheses the lowest and the highest.", ""]
    lines += [f"- {name}: {text}" for name, text in described]
    lines += ["", "What was run:", ""]
    lines += [f"- {row.title}, {SYSTEMS[name]}: `{text}`" for row in all_rows for name, text in row.commands.items()]
    return "\n".join([*lines, ""])


def compression_table(results):
    levels = (0, 1, 6, 9)
    lines = [
        "", "Compression of blocks of 1 MiB that go to workers and back; how much of the bytes travelled:", "",
        table.line(["input", "off", *(f"level {level}" for level in levels[1:])]), table.line(["---"] * 5),
    ]
    for name in ("text", "noise"):
        cells = []
        for level in levels:
            speed, share = (f"{what}_{name}_{level}" for what in ("compression", "compression_share"))
            cells.append(f"{results.cell(speed, 'ours')}, {results.cell(share, 'ours')}")
        lines.append(table.line([name, *cells]))
    return lines


def main():
    options = arguments()
    python = os.environ.get("PYTHON", "python3")
    prepare.build()
    say("preparing: building worker-host (release)")
    prepare.must_run(["swift", "build", "-c", "release", "--product", "worker-host"], "the build of worker-host")
    os.makedirs(os.path.join(ROOT, FOLDER), exist_ok=True)
    text, noise, small = (os.path.join(FOLDER, name) for name in ("text", "noise", "some-text"))
    say("preparing: making the data")
    make_text(os.path.join(ROOT, text), options.size)
    # Compression and gzip are ten times slower.
    make_text(os.path.join(ROOT, small), max(options.size // 4, 1 << 20))
    make_noise(os.path.join(ROOT, noise), max(options.size // 4, 1 << 20))
    name = "check-data" if options.check else f"{time.strftime('%Y%m%d-%H%M%S')}-data"
    folder = os.path.join(prepare.BENCHMARKS, "results", name)
    os.makedirs(folder, exist_ok=True)
    described = machine.describe(options.workers, prepare.python_versions(python))
    described.append(("GNU parallel", machine.first_line(["parallel", "--version"])))
    all_rows = rows(options, python, text)
    measuring = Measuring(options)
    all_rows = [row for row in all_rows if row.name in options.rows]
    for row in all_rows:
        measuring.measure(row, options.size)
    if "compression" in options.rows:
        measuring.compression(small, noise)
    # What takes a few milliseconds cannot be killed in the middle.
    if "resume" in options.rows and not options.check:
        measuring.resume(small)
    with open(os.path.join(folder, "data.csv"), "w", encoding="utf-8", newline="") as file:
        measurements.write_header(file)
        measurements.write(file, measuring.found)
    results = Results(measuring.found)
    shown = page(results, all_rows, options, described)
    with open(os.path.join(folder, "data.md"), "w", encoding="utf-8") as file:
        file.write(shown)
    print(shown)
    wrong = [f"{one.row}, {one.system}: {one.problem}" for one in measuring.found if one.problem]
    if options.check:
        wrong = [problem for problem in wrong if not problem.endswith("not installed")]
    for problem in dict.fromkeys(wrong):
        say(f"data: {problem}")
    if options.check and not wrong:
        say(f"data: the check passed; {len(measuring.found)} figures, which say nothing about speed")
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    entry.start("data", main)
