"""What was measured: the lines that programs print, and the CSV file that keeps every one of them."""

import csv
import math
from dataclasses import dataclass

from rows import unit_of

FIELDS = ["row", "system", "repetition", "value", "unit", "problem", "command"]


@dataclass(frozen=True)
class Measurement:
    row: str
    system: str
    repetition: int
    #: None where there is a problem instead.
    value: float | None
    unit: str
    problem: str
    command: str


#: The rows in which nothing is what is wanted.
MAY_BE_ZERO = ("idle_time",)


def figure(text, row=None):
    """A figure that makes sense, or why it does not; what is missing is never taken for 0."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None, f"'{text}' is not a number"
    if not math.isfinite(value) or value < 0 or (value == 0 and row not in MAY_BE_ZERO):
        return None, f"the figure {text} makes no sense"
    return value, ""


def read_lines(output, expected, system, repetition, command, problem=""):
    """The measurements in a program's output. A row that is expected and not there has a problem: `problem`, or that it
    is missing."""
    found = []
    seen = set()
    for line in output.splitlines():
        row, _, rest = line.partition(",")
        text, _, unit = rest.partition(",")
        if row not in expected:
            found.append(Measurement(row, system, repetition, None, "", f"unexpected output: {line}", command))
            continue
        seen.add(row)
        if text == "unsupported":
            found.append(Measurement(row, system, repetition, None, "", f"unsupported: {unit}", command))
            continue
        value, wrong = figure(text, row)
        if not wrong and unit != unit_of(row):
            value, wrong = None, f"the unit is '{unit}' instead of '{unit_of(row)}'"
        found.append(Measurement(row, system, repetition, value, unit, wrong, command))
    unfinished = [row for row in expected if row not in seen]
    for row in unfinished:
        found.append(Measurement(row, system, repetition, None, "", problem or "missing: nothing was printed", command))
    if problem and not unfinished:
        # It printed its figures and failed afterwards, in its last row.
        found.append(Measurement(expected[-1], system, repetition, None, "", problem, command))
    return found


def write_header(file):
    csv.writer(file).writerow(FIELDS)


def write(file, measurements):
    writer = csv.writer(file)
    for m in measurements:
        value = "" if m.value is None else repr(m.value)
        writer.writerow([m.row, m.system, m.repetition, value, m.unit, m.problem, m.command])
    file.flush()


def read(file):
    measurements = []
    for line in csv.DictReader(file):
        value, problem = None, line["problem"]
        if not problem:
            value, problem = figure(line["value"], line["row"])
        measurements.append(
            Measurement(
                line["row"], line["system"], int(line["repetition"]), value, line["unit"], problem, line["command"]
            )
        )
    return measurements
