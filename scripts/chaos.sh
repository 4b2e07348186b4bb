#!/usr/bin/env bash
# Runs pools whose workers are killed at random, every few milliseconds, for a while: 100,000 short calls, 1,000 long ones and a
# map in each round, and every result has to be there, once, and right.
#
#   scripts/chaos.sh [--minutes N]    10 by default
#   scripts/chaos.sh --help
#
# A round that has begun is finished. The last lines say how many rounds there were, and how many workers were killed.
#
# Exit codes: 0 when all is well, 1 when the build or a round has failed, 2 for wrong arguments, 130 or 143 when interrupted.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# The same as in scripts/test.sh, so that its build is used.
export FUTURES_WARNINGS_AS_ERRORS=1

minutes=10
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            show_help
            exit 0
            ;;
        --minutes)
            if ! [[ ${2-} =~ ^[1-9][0-9]{0,4}$ ]]; then
                complain "--minutes needs a number"
                exit 2
            fi
            minutes=$2
            shift
            ;;
        *)
            complain "unknown argument '$1'; see --help"
            exit 2
            ;;
    esac
    shift
done

swift build --build-tests
# With the rounds that go on at the end.
FUTURES_CHAOS_SECONDS=$((60 * minutes)) timeout --foreground --kill-after=10 $((60 * minutes + 1200)) \
    swift test --no-parallel --skip-build --filter ChaosTests
