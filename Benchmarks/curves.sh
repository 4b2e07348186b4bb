#!/usr/bin/env bash
# Measures how costs grow, and draws curves. Benchmarks/curves.sh --help tells more.
source "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
exec "${PYTHON:-python3}" Benchmarks/driver/curves.py "$@"
