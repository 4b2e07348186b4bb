#!/usr/bin/env bash
# Fuzzes what reads bytes of another process, with libFuzzer and the address sanitizer (Tests/Fuzzing/README.md).
#
#   scripts/fuzz.sh [OPTIONS] [TARGET...]     all targets unless some are named
#
#   --seconds N             how long each target runs, 60 by default
#   --hours N               the same in hours
#   --jobs N                how many targets run side by side, 1 by default
#   --list                  the names of the targets
#   --replay FILE TARGET    runs the target on this input only, and shows what is wrong
#   --renew-corpus          after the runs, replaces the targets' folders in Tests/Fuzzing/Corpus by the smallest set of
#                           inputs that reaches what the folders, and all that runs have found, reach
#   --help
#
#   scripts/fuzz.sh --seconds 10 frames values
#   scripts/fuzz.sh --hours 8 --jobs 2
#
# Builds once. A target begins with the seeds that it makes itself, with its folder in Tests/Fuzzing/Corpus, and with
# what earlier runs have kept in .build/fuzzing. It ends at its first find: an input that traps, reads or writes where
# it must not, leaks, takes too much time or memory, or for which something does not hold that the target checks. The
# lines of a find have the file with the input, and the command that replays it.
#
# Exit codes: 0 when nothing was found, 1 when something was, or the build or a target failed, 2 for wrong arguments,
# 129, 130 or 143 when interrupted. However it ends, nothing that it started goes on.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
export FUTURES_WARNINGS_AS_ERRORS=1

here=$OLDPWD
seconds=60
jobs=1
replay=""
renew=""
list=""
targets=()
# Values of options; up to a year, so that the sums below stay numbers.
value_of() {
    if ! [[ ${2-} =~ ^[1-9][0-9]{0,6}$ ]]; then
        complain "$1 needs a number from 1 on"
        exit 2
    fi
    printf '%s' "$2"
}
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            show_help
            exit 0
            ;;
        --seconds)
            seconds=$(value_of "$1" "${2-}")
            shift
            ;;
        --hours)
            seconds=$(($(value_of "$1" "${2-}") * 3600))
            shift
            ;;
        --jobs)
            jobs=$(value_of "$1" "${2-}")
            shift
            ;;
        --replay)
            case ${2-} in
                "") ;;
                /*) replay=$2 ;;
                *) replay=$here/$2 ;;
            esac
            if [[ ! -f $replay ]]; then
                complain "--replay needs a file with an input; there is none '${2-}'"
                exit 2
            fi
            shift
            ;;
        --renew-corpus) renew=1 ;;
        --list) list=1 ;;
        -*)
            complain "unknown option '$1'; see --help"
            exit 2
            ;;
        *) targets+=("$1") ;;
    esac
    shift
done
if [[ -n $replay && ${#targets[@]} -ne 1 ]]; then
    complain "--replay needs one target"
    exit 2
fi

package=Tests/Fuzzing
scratch=.build/fuzzing
fuzzer=$scratch/release/Fuzz
mkdir -p "$scratch"
running=()
work=$(mktemp -d "$scratch/run-XXXXXX")
finish() {
    trap '' INT TERM HUP
    for pid in "${running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
    for ((try = 0; try < 30; try++)); do
        is_left=""
        for pid in "${running[@]}"; do kill -0 -- "-$pid" 2>/dev/null && is_left=1; done
        [[ -z $is_left ]] && break
        sleep 0.1
    done
    for pid in "${running[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
    wait
    rm -rf -- "$work"
}
trap finish EXIT
interrupted() {
    echo
    complain "interrupted"
    exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

# Starts a command with a time limit and its output in a file, in a process group of its own: what the terminal sends
# on Ctrl-C comes to this script alone, which then ends the rest.
start() {
    local limit=$1 output=$2
    shift 2
    set -m
    timeout --kill-after=10 "$limit" "$@" </dev/null >"$output" 2>&1 &
    set +m
    running+=($!)
}
# Waits for the process at an index of those that run, and gives its exit code.
end() {
    local index=$1 status=0
    wait "${running[index]}" || status=$?
    running=("${running[@]:0:index}" "${running[@]:index+1}")
    return "$status"
}
run() {
    start "$@"
    end $((${#running[@]} - 1))
}

say "building"
# Each --sanitize is for the C code and the linker; of several the Swift compiler takes the last, so it is told again.
# With optimisation, which keeps all checks but assert: more inputs in the same time.
if ! run 1200 "$work/build" swift build --package-path "$package" --scratch-path "$scratch" -c release \
    --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address; then
    grep -E ': (error|warning): ' "$work/build" | sort -u | head -n 20 >&2 || tail -n 20 -- "$work/build" >&2
    complain "the build failed"
    exit 1
fi

declare -A longest
while read -r name length; do longest[$name]=$length; done < <("$fuzzer" --list)
if [[ -n $list ]]; then
    printf '%s\n' "${!longest[@]}" | sort
    exit 0
fi
for target in "${targets[@]}"; do
    if [[ -z ${longest[$target]-} ]]; then
        complain "there is no target '$target'; the targets are: $(printf '%s\n' "${!longest[@]}" | sort | xargs)"
        exit 2
    fi
done
[[ ${#targets[@]} -eq 0 ]] && mapfile -t targets < <(printf '%s\n' "${!longest[@]}" | sort)

# Hashing with the same seed each time, so that an input does the same when it is replayed. The address sanitizer keeps
# little of what was freed, so that the memory of the process is that of the code, and libFuzzer sees each crash first.
export SWIFT_DETERMINISTIC_HASHING=1 SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=quarantine_size_mb=16
# Limits for what no target measures itself: none takes 64 MiB in one piece, and with its corpus none takes 512 MiB. A
# time of 20 s is for machines that do something else, too; the targets count processor time.
limits=(-timeout=20 -rss_limit_mb=512 -malloc_limit_mb=64)

if [[ -n $replay ]]; then
    status=0
    run 60 "$work/log" env FUTURES_FUZZ_TARGET="${targets[0]}" "$fuzzer" "${limits[@]}" "$replay" || status=$?
    cat -- "$work/log"
    [[ $status -eq 0 ]]
    exit
fi

# The longest input is tried early: without this the length grows for hours.
start_target() {
    local target=$1
    mkdir -p "$scratch/corpus/$target" "$scratch/finds" "$package/Corpus/$target" "$work/seeds/$target"
    if ! run 60 "$work/log" env FUTURES_FUZZ_TARGET="$target" "$fuzzer" --seeds "$work/seeds/$target"; then
        cat -- "$work/log" >&2
        complain "there are no seeds for $target"
        exit 1
    fi
    start $((seconds + 120)) "$work/$target" env FUTURES_FUZZ_TARGET="$target" "$fuzzer" "${limits[@]}" \
        -max_total_time="$seconds" -max_len="${longest[$target]}" -len_control=10 -print_final_stats=1 \
        -artifact_prefix="$scratch/finds/$target-" "$scratch/corpus/$target" "$package/Corpus/$target" \
        "$work/seeds/$target"
}

finds=0
report_target() {
    local target=$1 status=$2 log=$work/$1 executions coverage find
    executions=$(sed -nE 's/^stat::number_of_executed_units: +([0-9]+)$/\1/p' "$log" | tail -n 1)
    coverage=$(sed -nE 's/^#[0-9]+.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)
    find=$(sed -nE 's/.*Test unit written to (.*)$/\1/p' "$log" | tail -n 1)
    if [[ -z $executions ]]; then executions=$(sed -nE 's/^#([0-9]+)\t.*/\1/p' "$log" | tail -n 1); fi
    if [[ $status -eq 0 && ${executions:-0} -gt 0 ]]; then
        printf '%-12s %10d executions, %5d edges covered, no find\n' "$target" "$executions" "${coverage:-0}"
        return
    fi
    finds=$((finds + 1))
    printf '%-12s %10d executions, %5d edges covered, %s\n' "$target" "${executions:-0}" "${coverage:-0}" \
        "$([[ -n $find ]] && echo "A FIND" || echo "FAILED with code $status")"
    grep -vE '^(INFO|#|NEW_FUNC|[[:space:]]*NEW_FUNC|MS:|Base64:|stat::|0x[0-9a-f,]*$)' "$log" | grep -v '^$' |
        head -n 12 | cut -c 1-200 | sed 's/^/    /' || true
    if [[ -n $find ]]; then
        say "    the input: $root/$find"
        say "    to replay: scripts/fuzz.sh --replay $find $target"
    fi
}

say "${#targets[@]} targets, $seconds s each, $jobs side by side"
waiting=("${targets[@]}")
started=()
while [[ ${#waiting[@]} -gt 0 || ${#started[@]} -gt 0 ]]; do
    while [[ ${#waiting[@]} -gt 0 && ${#started[@]} -lt $jobs ]]; do
        start_target "${waiting[0]}"
        started+=("${waiting[0]}")
        waiting=("${waiting[@]:1}")
    done
    status=0
    end 0 || status=$?
    report_target "${started[0]}" "$status"
    started=("${started[@]:1}")
done

if [[ -n $renew && $finds -eq 0 ]]; then
    for target in "${targets[@]}"; do
        mkdir -p "$work/new/$target"
        if ! run 1200 "$work/log" env FUTURES_FUZZ_TARGET="$target" "$fuzzer" "${limits[@]}" -set_cover_merge=1 \
            -max_len="${longest[$target]}" "$work/new/$target" "$work/seeds/$target" "$package/Corpus/$target" \
            "$scratch/corpus/$target"; then
            tail -n 20 -- "$work/log" >&2
            complain "the corpus of $target could not be made smaller"
            exit 1
        fi
        # Inputs that were finds once stay, whether they reach something new or not.
        find "$package/Corpus/$target" -type f ! -name 'find-*' -delete
        mv -- "$work/new/$target"/* "$package/Corpus/$target/"
        say "$package/Corpus/$target: $(find "$package/Corpus/$target" -type f | wc -l) inputs," \
            "$(du -sb "$package/Corpus/$target" | cut -f 1) bytes"
    done
fi

if [[ $finds -gt 0 ]]; then
    complain "$finds of ${#targets[@]} targets found something or failed"
    exit 1
fi
