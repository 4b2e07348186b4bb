"""What the workers run. Sources/PoolBenchmark/Functions.swift has the same functions."""

import os
import time


def empty(_):
    return None


def increment(n):
    return n + 1


def echo(data):
    return data


def busy(microseconds):
    """Computes for so many microseconds by the monotonic clock."""
    end = time.monotonic() + microseconds / 1e6
    while time.monotonic() < end:
        pass
    return microseconds


def process_id(_):
    return os.getpid()


def nap(_):
    """Takes long enough that another worker takes the next one."""
    time.sleep(0.005)
    return os.getpid()


def await_file(path):
    """Blocks until there is a file of that name."""
    while not os.path.exists(path):
        time.sleep(0.002)
    return 1


def increment_all(numbers):
    """A chunk, for pools that have no chunks of their own."""
    return [n + 1 for n in numbers]
