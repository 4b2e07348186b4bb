#!/usr/bin/env bash
# Measures the process pool beside Python's pools and the machine's limits. Benchmarks/compare.sh --help tells more.
source "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    complain "this needs Python 3.10 or later, and '$python' is not; name one: PYTHON=python3.11 Benchmarks/compare.sh"
    exit 1
fi
exec "$python" Benchmarks/driver/compare.py "$@"
