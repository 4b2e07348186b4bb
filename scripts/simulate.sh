#!/usr/bin/env bash
# Runs the process pool's scheduler in simulated worlds, where workers crash, hang, lie and do not start, and users cancel,
# retry and shut down: in release mode, with more tasks and for longer than the tests do.
#
#   scripts/simulate.sh [--seeds N] [--tasks N] [--seconds N] [--from SEED]
#   scripts/simulate.sh --replay SEED:TASKS
#
#   --seeds N      how many runs, one for each seed, 10 by default; without end where only --seconds is given
#   --tasks N      how many tasks a run submits, 1000000 by default
#   --seconds N    begin no further run after so many seconds
#   --from SEED    the first seed, the others follow it; drawn at random by default
#   --replay RUN   one run again, as a failure names it
#   --help
#
# Each run prints a line when it begins, and what happened when it ends; a run that fails tells what was wrong, the scenario,
# and what happened last. docs/design.md says what is checked.
#
# Exit codes: 0 when nothing was wrong, 1 when something was, or the build failed, 2 for wrong arguments.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

arguments=()
seeds=""
seconds=""
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            show_help
            exit 0
            ;;
        --seeds | --tasks | --seconds)
            if [[ ! ${2-} =~ ^[1-9][0-9]{0,8}$ ]]; then
                complain "$1 needs a number, 1 or more"
                exit 2
            fi
            case $1 in
                --seeds) seeds=$2 ;;
                --seconds) seconds=$2 ;;
            esac
            arguments+=("$1" "$2")
            shift
            ;;
        --from)
            if [[ ! ${2-} =~ ^[0-9]{1,19}$ ]]; then
                complain "--from needs a seed, a number"
                exit 2
            fi
            arguments+=("$1" "$2")
            shift
            ;;
        --replay)
            if [[ ! ${2-} =~ ^[0-9]{1,20}:[1-9][0-9]{0,8}$ ]]; then
                complain "--replay needs SEED:TASKS, as a failure names it"
                exit 2
            fi
            arguments+=("$1" "$2")
            shift
            ;;
        *)
            complain "unknown argument '$1'; see --help"
            exit 2
            ;;
    esac
    shift
done
if [[ -n $seconds && -z $seeds ]]; then arguments+=(--seeds 0); fi

if ! output=$(swift build -c release --product simulate-pool 2>&1); then
    printf '%s\n' "$output" | tail -n 20 >&2
    complain "the build failed"
    exit 1
fi
exec .build/release/simulate-pool ${arguments[@]+"${arguments[@]}"}
