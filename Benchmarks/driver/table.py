"""Renders the measurements as Markdown."""

import statistics
from dataclasses import dataclass

from rows import LIMITS, ROWS
from systems import OURS, SYSTEMS

UNITS = {"us": "µs"}


@dataclass(frozen=True)
class Summary:
    """The repetitions of one system in one row."""

    #: Median of the repetitions, each of which counts with the median of its measurements; None without any.
    value: float | None
    low: float | None
    high: float | None
    repetitions: int
    #: The first thing that went wrong.
    problem: str


def summarise(measurements):
    by_repetition = {}
    problems = []
    for m in measurements:
        if m.value is None:
            problems.append(m.problem)
        else:
            by_repetition.setdefault(m.repetition, []).append(m.value)
    medians = [statistics.median(values) for values in by_repetition.values()]
    problem = problems[0] if problems else ("" if medians else "missing")
    if not medians:
        return Summary(None, None, None, 0, problem)
    return Summary(statistics.median(medians), min(medians), max(medians), len(medians), problem)


class Results:
    def __init__(self, measurements):
        grouped = {}
        for m in measurements:
            grouped.setdefault((m.row, m.system), []).append(m)
        self.summaries = {key: summarise(found) for key, found in grouped.items()}
        self.commands = {}
        for m in measurements:
            self.commands.setdefault((m.row, m.system), m.command)
        self.present = {m.system for m in measurements}
        self.peers = [name for name in SYSTEMS if name in self.present and name != OURS]

    def __getitem__(self, key):
        # Of a system that was left out on purpose (--systems), nothing is missing.
        absent = "missing" if key[1] in self.present else "not measured"
        return self.summaries.get(key, Summary(None, None, None, 0, absent))

    def best_peer(self, row):
        """Name and summary of the best peer; None if no peer has a figure."""
        candidates = [(name, self[row.name, name]) for name in self.peers]
        candidates = [(name, summary) for name, summary in candidates if summary.value is not None]
        if not candidates:
            return None
        pick = max if row.higher_is_better else min
        return pick(candidates, key=lambda candidate: candidate[1].value)

    def limit(self, row):
        """The limit that ours is compared with."""
        return self[row.limits[0], "limits"].value if row.limits else None


def number(value):
    """Three digits that matter, thousands apart."""
    if value >= 100:
        digits = max(0, len(str(int(value))) - 3)
        return f"{round(value / 10**digits) * 10**digits:,}"
    return f"{value:.3g}"


def with_unit(value, unit):
    return f"{number(value)} {UNITS.get(unit, unit)}"


def cell(summary, unit, spread=False):
    if summary.value is None:
        return summary.problem
    text = with_unit(summary.value, unit)
    if spread and summary.repetitions > 1:
        text += f" ({number(summary.low)}–{number(summary.high)})"
    if summary.problem:
        text += f"; also: {summary.problem}"
    return text


def ratio(row, ours, other):
    """How many times as good ours is: above 1 it is better, whichever way the row counts."""
    if ours is None or other is None:
        return "–"
    better, worse = (ours, other) if row.higher_is_better else (other, ours)
    if worse == 0:
        return "1 ×" if better == 0 else "∞"
    return f"{better / worse:.2g} ×"


def verdict(row, ours, limit):
    if ours is None:
        return row.reach
    goal = row.goal
    if row.goal_by_limit is not None:
        if limit is None:
            return row.reach
        goal = row.goal_by_limit * limit
    reached = ours >= goal if row.higher_is_better else ours <= goal
    return f"{row.reach} – {'reached' if reached else 'not reached'}"


def line(cells):
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in cells) + " |"


def main_table(results, rows):
    lines = [
        line(["workload", "ours", "best peer", "limit", "ours : best peer", "ours : limit", "reach"]),
        line(["---"] * 7),
    ]
    for row in rows:
        if row.counts is None:
            lines.append(line([row.title, "not there yet", "–", "–", "–", "–", row.reach]))
            continue
        ours = results[row.name, OURS]
        best = results.best_peer(row)
        limit = results.limit(row)
        limits = [f"{cell(results[name, 'limits'], LIMITS[name].unit)} ({LIMITS[name].title})" for name in row.limits]
        lines.append(
            line(
                [
                    row.title,
                    cell(ours, row.unit),
                    f"{cell(best[1], row.unit)} ({SYSTEMS[best[0]].title})" if best else "–",
                    "; ".join(limits) or "–",
                    ratio(row, ours.value, best[1].value if best else None),
                    ratio(row, ours.value, limit),
                    verdict(row, ours.value, limit),
                ]
            )
        )
    return lines


def systems_table(results, rows):
    """Every system in every row, with the spread of the repetitions; one line a system, as there are more of them."""
    rows = [row for row in rows if row.counts is not None]
    names = [OURS] + results.peers
    lines = [line(["workload"] + [SYSTEMS[name].title for name in names]), line(["---"] * (len(names) + 1))]
    for row in rows:
        lines.append(line([row.title] + [cell(results[row.name, name], row.unit, spread=True) for name in names]))
    return lines


def commands_list(results, rows):
    """For each row the commands that measured it, to be run from the package's folder; those of the peers differ in
    their name. Rows that were measured in one run are together."""
    titles = {}
    for row in rows:
        commands = [results.commands.get((row.name, OURS))]
        peers = [(name, results.commands.get((row.name, name))) for name in results.peers]
        commands += [command.replace(f"--system {name} ", "--system NAME ") for name, command in peers if command][:1]
        commands += [results.commands.get((limit, "limits")) for limit in row.limits][:1]
        for command in filter(None, commands):
            titles.setdefault(command, []).append(row.title)
    return [f"- {'; '.join(names)}: `{command}`" for command, names in titles.items()]


def render(measurements, machine, rows=None):
    """The whole page.

    machine: pairs of a name and its text.
    """
    rows = [ROWS[name] for name in rows or ROWS]
    results = Results(measurements)
    repetitions = max((m.repetition for m in measurements), default=0)
    return "\n".join(
        [*main_table(results, rows), ""]
        + [
            f"Medians of {repetitions} interleaved repetition{'s' if repetitions != 1 else ''}. \"ours : …\" says how many "
            "times as good ours is; above 1, ours is better.",
            "",
        ]
        + [*systems_table(results, rows), ""]
        + ["In parentheses: the lowest and the highest repetition.", ""]
        + [f"- {name}: {text}" for name, text in machine]
        + ["", "What was run:", "", *commands_list(results, rows)]
        + [""]
    )
