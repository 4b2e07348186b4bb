#!/usr/bin/env bash
# Kills `worker-host map --journal` at random moments and resumes it, again and again, until each run's output is compared
# with that of a run that nobody killed: byte for byte, with what was finished before a kill not run again.
#
#   scripts/kill-and-resume.sh [N]    N runs, 200 by default
#   scripts/kill-and-resume.sh --help
#
# Uses the release build of worker-host, which it makes. Exit codes: 0 when all runs had the same output, 1 when one had not,
# 2 for wrong arguments, 130 or 143 when interrupted.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

case ${1-200} in
    --help | -h)
        show_help
        exit 0
        ;;
esac
if ! [[ ${1-200} =~ ^[1-9][0-9]{0,5}$ ]] || [[ $# -gt 1 ]]; then
    complain "'$*' is no number of runs"
    exit 2
fi
runs=${1-200}

echo "building"
swift build -c release --product worker-host >/dev/null
host=$(swift build -c release --show-bin-path)/worker-host
folder=$(mktemp -d)
child=
cleanup() {
    [[ -z $child ]] || kill -9 "$child" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Blocks of all sizes, some of which take a while, and some of which have no output at all.
for ((line = 0; line < 60000; line++)); do echo "$line ${line}x$((line * 7919 % 1000003))"; done >"$folder/input"
command='grep -v 7; echo run >>"$RUNS"'
export RUNS=$folder/runs
# In the place of a subshell, which else would be what is killed.
map() {
    exec "$host" map --exec "$command" --block 20K --journal "$folder/journal" --resume "$@" \
        "$folder/input"
}
began=${EPOCHREALTIME/[.,]/}
RUNS=/dev/null "$host" map --exec "$command" --block 20K "$folder/input" >"$folder/expected"
# In milliseconds, up to a second.
whole=$(((${EPOCHREALTIME/[.,]/} - began) / 1000 + 1))
whole=$((whole < 1000 ? whole : 1000))
blocks=$("$host" map --exec 'echo 1' --block 20K "$folder/input" | wc -l)

kills=0
for ((run = 1; run <= runs; run++)); do
    rm -f "$folder/journal" "$folder/runs"
    killed=0
    while true; do
        order=$([[ $((run % 2)) = 0 ]] && echo --ordered || echo --unordered)
        map "$order" >"$folder/output" 2>"$folder/errors" &
        child=$!
        # Up to about the time that a whole run takes.
        sleep "0.$(printf %03d $((RANDOM % whole)))"
        kill -9 "$child" 2>/dev/null && killed=$((killed + 1))
        code=0
        wait "$child" 2>/dev/null || code=$?
        child=
        [[ $code = 137 ]] || break
    done
    if [[ $code != 0 ]]; then
        complain "run $run ended with code $code: $(cat "$folder/errors")"
        exit 1
    fi
    (map >"$folder/output")
    if ! cmp "$folder/output" "$folder/expected"; then
        complain "run $run, killed $killed times, has another output than a run that was not killed"
        exit 1
    fi
    # What was on its way when it was killed is run again: at most what each worker holds.
    count=$(wc -l <"$folder/runs")
    most=$((blocks + killed * 8 * $(nproc)))
    if [[ $count -gt $most ]]; then
        complain "run $run, killed $killed times, ran $count blocks of $blocks, more than $most"
        exit 1
    fi
    kills=$((kills + killed))
    echo "run $run of $runs: killed $killed times, $count blocks run of $blocks"
done
echo "$runs runs, $kills kills: all had the same output"
