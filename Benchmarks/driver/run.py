"""Runs a program for a limited time, and leaves no process behind."""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Run(NamedTuple):
    #: Standard output.
    output: str
    #: What went wrong, or "".
    problem: str
    #: From the start of the program to its end.
    seconds: float


def adopt_orphans():
    """Makes processes whose parent ends become children of this one: pools start servers of their own, in sessions of
    their own, and a program that is killed ends none of them."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    """The processes below this one, from /proc/PID/stat (proc_pid_stat(5)); those that ended and are not reaped, not."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(entry))
    found = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def end_descendants(grace=0.0):
    """Waits for processes that are about to end by themselves, then kills those that are left."""
    end = time.monotonic() + grace
    while descendants() and time.monotonic() < end:
        time.sleep(0.02)
    while left := descendants():
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.01)
    reap()


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def run(command, timeout, cwd):
    """Runs a program to its end, or for `timeout` seconds."""
    folder = tempfile.mkdtemp(prefix="bench-")  # short: sockets in it have a limit of 107 bytes
    environment = {**os.environ, "TMPDIR": folder, "RAY_TMPDIR": folder}
    try:
        done = run_in(folder, command, timeout, cwd, environment)
        end_descendants(grace=0 if done.problem else 2)
        return done
    finally:
        end_descendants()
        shutil.rmtree(folder, ignore_errors=True)


def run_in(folder, command, timeout, cwd, environment):
    # Files, not pipes: a process that is left over would hold a pipe open.
    out, err = os.path.join(folder, "out"), os.path.join(folder, "err")
    problem = ""
    begin = time.monotonic()
    with open(out, "wb") as output, open(err, "wb") as errors:
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            return Run("", f"failed: {error}", 0)
        if not has_ended(process, timeout):
            problem = f"timed out after {timeout:g} s"
            process.kill()
        code = process.wait()
    seconds = time.monotonic() - begin
    if not problem and code != 0:
        how = f"with exit code {code}" if code > 0 else f"by signal {-code}"
        problem = f"ended {how}"
        if words := last_words(err):
            problem += f": {words}"
    with open(out, encoding="utf-8", errors="replace") as output:
        return Run(output.read(), problem, seconds)


def has_ended(process, timeout):
    """Waits; without the pauses of Popen.wait, which would be measured, too."""
    descriptor = os.pidfd_open(process.pid)
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)


def last_words(path, limit=200):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file.read().splitlines() if line.strip()]
    return lines[-1][:limit] if lines else ""
