"""Large data in Python: with multiprocessing.Pool.imap_unordered, or in a loop.

    data.py [--workers N] words imap|loop FILE    counts lines, words and bytes
    data.py [--workers N] hash imap|loop FILE     prints the SHA-256 of each MiB
    data.py [--workers N] elements imap N         adds one to N integers; prints lines `row,value,unit`

FILE may be - for standard input. What is read from a file is read by the workers, each its own part; what comes from standard
input is sent to them. Sources/DataBenchmark has the same for ours.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
import time

BLOCK = 1 << 20


def blocks(file, by_lines):
    """Bytes of the blocks, of whole lines if so wanted."""
    while block := file.read(BLOCK):
        yield block + file.readline() if by_lines else block


def parts(path, by_lines):
    """Where the blocks are."""
    end = os.path.getsize(path)
    with open(path, "rb") as file:
        begin = 0
        while begin < end:
            file.seek(min(begin + BLOCK, end))
            if by_lines:
                file.readline()
            yield path, begin, file.tell() - begin
            begin = file.tell()


def content(block):
    if isinstance(block, bytes):
        return block
    path, begin, length = block
    with open(path, "rb") as file:
        file.seek(begin)
        return file.read(length)


def count(block):
    data = content(block)
    return data.count(b"\n"), len(data.split()), len(data)


def digest(numbered):
    number, block = numbered
    return number, hashlib.sha256(content(block)).hexdigest()


def increment(n):
    return n + 1


def input_of(path, by_lines, is_parallel):
    if path == "-":
        return blocks(sys.stdin.buffer, by_lines)
    return parts(path, by_lines) if is_parallel else blocks(open(path, "rb"), by_lines)


def words(way, path, workers):
    source = input_of(path, True, way == "imap")
    if way == "loop":
        found = map(count, source)
        print(*(sum(column) for column in zip(*found)))
    else:
        with multiprocessing.Pool(workers) as pool:
            print(*(sum(column) for column in zip(*pool.imap_unordered(count, source))))


def hashes(way, path, workers):
    source = enumerate(input_of(path, False, way == "imap"))
    if way == "loop":
        for _, text in map(digest, source):
            print(text)
    else:
        with multiprocessing.Pool(workers) as pool:
            for _, text in sorted(pool.imap_unordered(digest, source)):
                print(text)


def elements(n, workers):
    with multiprocessing.Pool(workers) as pool:
        pool.apply(increment, (1,))
        begin = time.monotonic()
        total = sum(pool.imap_unordered(increment, range(n), chunksize=10_000))
        seconds = time.monotonic() - begin
    if total != n * (n + 1) // 2:
        raise SystemExit(f"data.py: the sum is {total}")
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    print(f"elements,{n / seconds},/s")
    print(f"elements_memory,{peak * 1024 / 1e6},MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("work", choices=["words", "hash", "elements"])
    parser.add_argument("way", choices=["imap", "loop"])
    parser.add_argument("input")
    options = parser.parse_args()
    if options.work == "words":
        words(options.way, options.input, options.workers)
    elif options.work == "hash":
        hashes(options.way, options.input, options.workers)
    else:
        elements(int(options.input), options.workers)


if __name__ == "__main__":
    # As Python's pools do it by default on Linux up to 3.13, and what is fastest.
    multiprocessing.set_start_method("fork")
    main()
