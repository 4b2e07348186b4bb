#!/usr/bin/env bash
# Measures maps over large data beside other tools. Benchmarks/data.sh --help tells more.
source "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
exec "${PYTHON:-python3}" Benchmarks/driver/data.py "$@"
