"""What the figures were measured on."""

import os
import platform
import re
import subprocess
import time


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]


def from_file(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else "unknown"


def load():
    """How many processes wanted a processor: before a run, more than a few tenths are somebody else's."""
    return " ".join(f"{average:.1f}" for average in os.getloadavg()) + " (1, 5, 15 minutes)"


def describe(workers, versions):
    """Pairs of a name and its text."""
    memory = from_file("/proc/meminfo", r"^MemTotal:\s*(\d+)")
    peers = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "Python")
    return [
        ("date", time.strftime("%Y-%m-%d %H:%M %Z")),
        ("processor", f"{from_file('/proc/cpuinfo', '^model name.*: (.*)')}, {os.cpu_count()} logical"),
        ("workers", str(workers)),
        ("memory", f"{int(memory) / 1048576:.0f} GiB" if memory.isdigit() else memory),
        ("load before the run", load()),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("commit", first_line(["git", "describe", "--always", "--dirty", "--exclude", "*"])),
        ("Swift", first_line(["swift", "--version"])),
        ("C", first_line(["cc", "--version"])),
        ("Python", versions["Python"]),
        ("peers", peers or "only what comes with Python"),
    ]
