#!/usr/bin/env bash
# Counts the instructions of parts of the library, and compares revisions. Benchmarks/parts.sh --help tells more.
source "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
exec "${PYTHON:-python3}" Benchmarks/driver/parts.py "$@"
