"""Draws what was measured as SVG, into the folder where the figures are: plots.py FOLDER"""

import math
import os
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator  # noqa: E402

import curves  # noqa: E402
import measurements  # noqa: E402
import table  # noqa: E402
from rows import ROWS  # noqa: E402
from systems import OURS, SYSTEMS  # noqa: E402

INK, FAINT, GRID = "#1f2933", "#5b6770", "#e3e8ec"
OUR_COLOUR = "#d1450b"
#: Told apart also without colours, by lightness and marks.
PEER_COLOURS = ["#2b6cb0", "#5f9e4f", "#8a63b8", "#7a7a7a", "#b08a2e", "#3a9c9c"]
MARKS = ["s", "^", "D", "v", "P", "X"]

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "futures",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "figure.facecolor": "white",
}


def short(value, _=None):
    """1 k, 10 M; as few digits as there are."""
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def size(value, _=None):
    for unit, suffix in ((1 << 20, " MiB"), (1 << 10, " KiB")):
        if value >= unit:
            return f"{value / unit:g}{suffix}"
    return f"{value:g} B"


def far_apart(xs):
    """Those with room for a label between them on a logarithmic axis."""
    kept = xs[:1]
    span = math.log(xs[-1] / xs[0])
    for x in xs[1:]:
        if math.log(x / kept[-1]) >= 0.11 * span:
            kept.append(x)
    return kept


def save(figure, folder, name):
    path = os.path.join(folder, f"{name}.svg")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    print(path)


def looks(at):
    """The colour and the mark of a curve's line, by its place; the same in all plots."""
    if at == 0:
        return OUR_COLOUR, "o"
    at = (at - 1) % len(PEER_COLOURS)
    return PEER_COLOURS[at], MARKS[at]


def scale_by_powers(axes):
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(short))
    axes.yaxis.set_minor_formatter(NullFormatter())
    # A curve that is flat shall look flat.
    low, high = axes.get_ylim()
    if high / low < 100:
        middle = (low * high) ** 0.5
        axes.set_ylim(middle / 10, middle * 10)


def draw_curve(curve, found, folder):
    figure, axes = plt.subplots(figsize=(7.2, 4))
    names = curve.lines(list(SYSTEMS))
    xs = sorted({x for points in found.values() for x, _ in points})
    for name, points in found.items():
        at = names.index(name)
        colour, mark = looks(at)
        axes.plot(
            [x for x, _ in points], [y for _, y in points], color=colour, marker=mark, markersize=5,
            linewidth=1.4 if at else 2.2, label=curve.line_title(name), zorder=2 if at else 3,
        )
    axes.set_xscale("log")
    axes.set_xticks(far_apart(xs))
    axes.xaxis.set_major_formatter(FuncFormatter(size if curve.x_title == "bytes" else short))
    axes.xaxis.set_minor_locator(NullLocator())
    if curve.is_share:
        axes.set_ylim(0, 105)
    else:
        scale_by_powers(axes)
    axes.set_xlabel(curve.x_title)
    axes.set_ylabel(curve.y_title)
    axes.set_title(curve.title, loc="left", fontsize=12)
    axes.legend(frameon=False, fontsize=10, loc="upper left", bbox_to_anchor=(1.01, 1))
    save(figure, folder, f"curve-{curve.name}")


def draw_ratios(found, folder):
    """How many times as good ours is as the best peer, in each row."""
    results = table.Results(found)
    bars = []
    for row in ROWS.values():
        ours, best = results[row.name, OURS].value, results.best_peer(row)
        if not ours or not best or not best[1].value:
            continue
        peer = best[1].value
        bars.append((row, ours / peer if row.higher_is_better else peer / ours, SYSTEMS[best[0]].title))
    if not bars:
        return
    figure, axes = plt.subplots(figsize=(8.4, 0.46 * len(bars) + 1.4))
    places = range(len(bars))
    axes.barh(
        places, [abs(times - 1) for _, times, _ in bars], left=[min(times, 1) for _, times, _ in bars], height=0.62,
        zorder=2, color=[OUR_COLOUR if times >= 1 else FAINT for _, times, _ in bars],
    )
    axes.set_xscale("log")
    low, high = min(0.7, *(times / 1.5 for _, times, _ in bars)), 1.5 * max(times for _, times, _ in bars)
    axes.set_xlim(low, high)
    steps = [step * 10.0**power for power in range(-3, 6) for step in (1, 2, 5)]
    axes.set_xticks([step for step in steps if low <= step <= high])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(1, color=INK, linewidth=1, zorder=3)
    for place, (_, times, peer) in zip(places, bars):
        axes.text(max(times, 1) * 1.06, place, f"{times:.2g} ×  {peer}", va="center", fontsize=10)
    axes.set_yticks(list(places), [row.title for row, _, _ in bars])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ×"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title("How many times as good as the best Python pool", loc="left", fontsize=12)
    save(figure, folder, "ratios")


def main(folder):
    with plt.rc_context(STYLE):
        path = os.path.join(folder, "curves.csv")
        if os.path.exists(path):
            with open(path, encoding="utf-8", newline="") as file:
                for name, systems in curves.summarise(curves.read(file)).items():
                    draw_curve(curves.CURVES[name], systems, folder)
        path = os.path.join(folder, "measurements.csv")
        if os.path.exists(path):
            with open(path, encoding="utf-8", newline="") as file:
                draw_ratios(measurements.read(file), folder)


if __name__ == "__main__":
    main(sys.argv[1])
