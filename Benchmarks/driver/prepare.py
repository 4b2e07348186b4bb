"""Builds the programs and installs the peers."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

from systems import SYSTEMS

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(BENCHMARKS)

# Relative to ROOT, where programs run, so that a command in the results can be repeated.
OURS_PROGRAM = "Benchmarks/.build/release/pool-benchmark"
LIMITS_PROGRAM = "Benchmarks/.build/limits"
PEERS_PROGRAM = "Benchmarks/peers/bench.py"
VENV = "Benchmarks/.venv"
VENV_PYTHON = f"{VENV}/bin/python"


class PreparationError(Exception):
    """What is missing, and what to do."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def must_run(command, what):
    """Runs a command from ROOT; the end of its output is shown only if it fails."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        )
    except OSError as error:
        raise PreparationError(f"{what} failed: {error}") from None
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-30:])
        raise PreparationError(f"{said}\n{what} failed: {' '.join(command)}")


def build():
    if os.path.basename(ROOT).lower() == "benchmarks":
        raise PreparationError(
            "SwiftPM names packages by their folders, and this package's folder is called 'Benchmarks' like the "
            "benchmarks in it: rename it"
        )
    must_run(["scripts/setup.sh"], "the set-up")
    say("preparing: building (release)")
    must_run(["swift", "build", "--package-path", "Benchmarks", "-c", "release"], "the build of our benchmark")
    must_run(["cc", "-O2", "-Wall", "-Wextra", "Benchmarks/limits/limits.c", "-o", LIMITS_PROGRAM], "the C compiler")


def python_versions(python):
    """Version of an interpreter and of the peers' packages in it."""
    packages = [system.package for system in SYSTEMS.values() if system.package]
    program = (
        "import json, platform, sys\nfrom importlib.metadata import version, PackageNotFoundError\n"
        "found = {'Python': platform.python_version()}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = version(name)\n"
        "    except PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([python, "-c", program, *packages], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise PreparationError(f"{python} does not run: {done.stderr.strip()}")
    return json.loads(done.stdout)


def requirements():
    """The pinned packages, by name."""
    pins = {}
    with open(os.path.join(BENCHMARKS, "requirements.txt"), encoding="utf-8") as file:
        for line in file:
            line = line.partition("#")[0].strip()
            if line:
                pins[line.partition("==")[0]] = line
    return pins


def install_peers(python, wanted):
    """Installs the packages of the systems in `wanted`. Returns the interpreter to use, and for each system that is not
    available, why."""
    packages = {SYSTEMS[name].package: name for name in wanted if SYSTEMS[name].package}
    python, reasons = install(python, list(packages))
    return python, {packages[package]: reason for package, reason in reasons.items()}


def install(python, packages):
    """Installs packages into VENV, if they are not there.

    Returns the interpreter to use, and for each package that is not available, why.
    """
    if not packages:
        return python, {}
    pins = requirements()
    venv = os.path.join(ROOT, VENV)
    stamp_file = os.path.join(venv, "installed.json")
    stamp = hashlib.sha256(json.dumps([python_versions(python)["Python"], pins]).encode()).hexdigest()
    installed = []
    try:
        with open(stamp_file, encoding="utf-8") as file:
            state = json.load(file)
        if state["stamp"] == stamp and os.access(os.path.join(ROOT, VENV_PYTHON), os.X_OK):
            installed = state["packages"]
    except (OSError, ValueError, KeyError):
        pass
    missing = [name for name in packages if name not in installed]
    if not missing:
        return VENV_PYTHON, {}
    if not installed:
        say(f"preparing: making {VENV} with {python}")
        shutil.rmtree(venv, ignore_errors=True)
        try:
            must_run([python, "-m", "venv", VENV], "making a virtual environment")
        except PreparationError:
            reason = f"not available: {python} -m venv failed (on Debian, install python3-venv)"
            return python, {package: reason for package in packages}
    say(f"preparing: installing {', '.join(pins[name] for name in missing)} into {VENV}")
    reasons = {}
    # Together, so that their dependencies agree; if that fails, one by one, to see which of them fails.
    if pip_install([pins[name] for name in missing]):
        for name in missing:
            if reason := pip_install([pins[name]]):
                reasons[name] = f"not available: {reason}"
    installed += [name for name in missing if name not in reasons]
    with open(stamp_file, "w", encoding="utf-8") as file:
        json.dump({"stamp": stamp, "packages": installed}, file)
    return VENV_PYTHON, reasons


def pip_install(pins):
    """Why it failed, or ""."""
    command = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *pins]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
    return (errors[-1] if errors else f"pip ended with {done.returncode}")[:200]


def draw(folder):
    """Draws the measurements in a folder of results, into it."""
    python, reasons = install(os.environ.get("PYTHON", "python3"), ["matplotlib"])
    if reasons:
        raise PreparationError(f"nothing can be drawn: matplotlib is {reasons['matplotlib']}")
    program = os.path.join(BENCHMARKS, "driver", "plots.py")
    if subprocess.run([python, program, folder], stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        raise PreparationError("drawing failed")
