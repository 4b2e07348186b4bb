#!/usr/bin/env bash
# Runs the tests again and again until they fail, by default on a machine that is loaded by something else, too: for
# failures that come once in a hundred runs.
#
#   scripts/repeat-tests.sh [OPTIONS] [N] [ARGUMENTS FOR swift test]
#
#   N                  how many rounds, 50 by default
#   --no-load          without the busy loops (one for every two processors) that run beside the tests
#   --limit SECONDS    how long a round may take, 900 by default
#   --help
#
#   scripts/repeat-tests.sh 200 --filter PoolStressTests
#   FUTURES_THREAD_SANITIZER=1 scripts/repeat-tests.sh 20 --sanitize=thread --scratch-path .build/tsan --filter Future
#
# Builds once. The log of the round that failed is kept in the file that the last line names. A round fails when swift
# test does, when it takes too long, when it runs no test, and when it leaves processes behind.
#
# Exit codes: 0 when all rounds have passed, 1 when the build or a round has failed, 2 for wrong arguments, 130 or 143
# when interrupted. However it ends, nothing that it started goes on.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# The same as in scripts/test.sh, so that its build is used.
export FUTURES_WARNINGS_AS_ERRORS=1

rounds=50
limit=900
loops=$((($(nproc) + 1) / 2))
is_number() { [[ $1 =~ ^[1-9][0-9]{0,6}$ ]]; }
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            show_help
            exit 0
            ;;
        --no-load) loops=0 ;;
        --limit)
            if ! is_number "${2-}"; then
                complain "--limit needs a number of seconds"
                exit 2
            fi
            limit=$2
            shift
            ;;
        [0-9]*)
            if ! is_number "$1"; then
                complain "'$1' is no number of rounds"
                exit 2
            fi
            rounds=$1
            shift
            break
            ;;
        *) break ;;
    esac
    shift
done
test_arguments=("$@")

# What concerns the build, too.
build_arguments=()
while [[ $# -gt 0 ]]; do
    case $1 in
        -c | --configuration | --sanitize | --scratch-path | --package-path | --traits | --triple | --swift-sdk | \
            --build-system | -Xswiftc | -Xcc | -Xcxx | -Xlinker | -j | --jobs)
            build_arguments+=("$1" ${2+"$2"})
            [[ $# -gt 1 ]] && shift
            ;;
        --configuration=* | --sanitize=* | --scratch-path=* | --package-path=* | --traits=* | --triple=* | \
            --swift-sdk=* | --build-system=* | --jobs=* | --enable-all-traits | --disable-default-traits)
            build_arguments+=("$1")
            ;;
    esac
    shift
done

# Everything that a round starts has this in its environment, whatever process group or session it makes for itself, and
# also when the process that started it is gone.
mark="FUTURES_REPEAT_TESTS=$$-$RANDOM$RANDOM"
marked() { grep -lzxF -- "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 || true; }
named() {
    for pid in "$@"; do
        printf '%s (%s) ' "$pid" "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | cut -c 1-80)"
    done
}

job=""
load=()
logs=.build/repeat-tests
log=""

# Ends what is left of a round: asks, and kills after two seconds.
end_round() {
    local pids signal=TERM
    if [[ -n $job ]]; then kill -TERM "$job" 2>/dev/null || true; fi
    for ((try = 0; try < 100; try++)); do
        mapfile -t pids < <(marked)
        [[ ${#pids[@]} -eq 0 ]] && break
        [[ $try -ge 20 ]] && signal=KILL
        [[ $try -eq 0 || $signal == KILL ]] && kill "-$signal" "${pids[@]}" 2>/dev/null
        sleep 0.1
    done
    if [[ -n $job ]]; then
        wait "$job" 2>/dev/null || true
        job=""
    fi
}
finish() {
    trap '' INT TERM HUP
    end_round
    for pid in "${load[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rmdir "$logs" 2>/dev/null || true
}
trap finish EXIT
interrupted() {
    echo
    complain "interrupted${log:+; the log so far is $log}"
    exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

# Runs a command with a time limit in seconds, its output in the log, in a process group of its own: what the terminal
# sends on Ctrl-C comes to this script alone, which then ends the rest.
run() {
    local limit=$1 status=0
    shift
    set -m
    env "$mark" timeout --kill-after=10 "$limit" "$@" </dev/null >"$log" 2>&1 &
    job=$!
    set +m
    wait "$job" || status=$?
    job=""
    return "$status"
}

mkdir -p "$logs"
log=$(mktemp "$logs/build-XXXXXX.log")
say "building"
if ! run 1800 swift build --build-tests ${build_arguments[@]+"${build_arguments[@]}"}; then
    tail -n 20 -- "$log" >&2
    complain "the build failed; its log is $log"
    exit 1
fi
rm -f -- "$log"
log=""

for ((index = 0; index < loops; index++)); do
    # It ends with this script, also when that is killed.
    (while kill -0 $$ 2>/dev/null; do for ((n = 0; n < 100000; n++)); do :; done; done) &
    load+=($!)
done
say "$rounds rounds, $limit s each at most, beside $loops busy loops"

for ((round = 1; round <= rounds; round++)); do
    log=$(mktemp "$logs/round-$round-XXXXXX.log")
    begin=${EPOCHREALTIME/[.,]/}
    status=0
    run "$limit" swift test --no-parallel --skip-build ${test_arguments[@]+"${test_arguments[@]}"} || status=$?
    milliseconds=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
    count=$(sed -nE 's/.*Test run with ([0-9]+) tests? in .*/\1/p' "$log" | awk '{sum += $1} END {print sum + 0}')
    # What has been told to end may take a moment.
    mapfile -t left < <(marked)
    for ((try = 0; try < 50 && ${#left[@]} > 0; try++)); do
        sleep 0.1
        mapfile -t left < <(marked)
    done
    failure=""
    case $status in
        0)
            if [[ $count -eq 0 ]]; then failure="ran no test"; fi
            if [[ ${#left[@]} -gt 0 ]]; then failure="left processes behind: $(named "${left[@]}")"; fi
            ;;
        124 | 137) failure="did not end within $limit s" ;;
        *) failure="swift test ended with code $status" ;;
    esac
    printf 'round %*d of %d  %s  %6d.%d s  %d tests\n' ${#rounds} "$round" "$rounds" \
        "$([[ -z $failure ]] && echo passed || echo FAILED)" \
        $((milliseconds / 1000)) $((milliseconds % 1000 / 100)) "$count"
    if [[ -n $failure ]]; then
        grep -E '^✘|: error:|Fatal error' "$log" | head -n 20 >&2 || true
        complain "round $round failed: $failure; its log is $log"
        exit 1
    fi
    rm -f -- "$log"
    log=""
done
say "no failure in $rounds rounds"
