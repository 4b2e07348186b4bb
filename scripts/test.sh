#!/usr/bin/env bash
# Sets up, then runs every test and check of the package.
#
#   scripts/test.sh                everything
#   scripts/test.sh --quick        everything but the sanitizers, the fuzzing and the demo
#   scripts/test.sh --list         the names of the steps
#   scripts/test.sh STEP...        these steps only
#   scripts/test.sh --help
#
# The last lines say what ran and how long it took, after what the steps that failed said of it; the exit code is 1 if
# anything failed.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
export FUTURES_WARNINGS_AS_ERRORS=1

# The sanitizers slow the tests down; these suites are the ones where threads meet, or foreign bytes are read.
thread_suites='Future|Wait|AsCompleted|ThreadPool|ProcessSuites|Inline|Contract|Signal|PayloadDecoder'
address_suites='WireTests'

# Swift Testing runs suites side by side unless told otherwise; these look for leftover threads, processes and
# descriptors, which another suite's would be taken for.
run_tests() { swift test --no-parallel --skip-build "$@" 2>&1 | tee "$log" | grep -vE '^(◇|✔ Test "|✔ Test case|\[)' ; }

step_format() { scripts/format.sh --check; }
step_generate() { scripts/generate.sh --check; }
step_imports() { scripts/check-imports.sh; }
step_behaviours() { scripts/check-behaviours.sh; }
step_build() { swift build --build-tests; }
step_refusals() { scripts/check-must-not-compile.sh; }
step_documents() { scripts/check-docs.sh; }
step_tests() { run_tests; }
step_linkage() { scripts/check-linkage.sh debug; }
step_release() {
    swift build -c release --product worker-host
    scripts/check-linkage.sh release
}
step_examples() {
    scripts/check-readme.sh
    swift build --package-path Examples --build-tests
    run_tests --package-path Examples
}
step_demo() { scripts/demo.sh --short; }
step_benchmarks() {
    Benchmarks/compare.sh --check
    Benchmarks/curves.sh --check
    Benchmarks/data.sh --check
}
step_thread_sanitizer() {
    export FUTURES_THREAD_SANITIZER=1
    swift build --build-tests --sanitize=thread --scratch-path .build/tsan
    local options="halt_on_error=1 exitcode=66 atexit_sleep_ms=0"
    TSAN_OPTIONS="$options suppressions=$root/scripts/sanitizer-suppressions/races.txt" run_tests \
        --sanitize=thread --scratch-path .build/tsan --filter "$thread_suites"
}
step_address_sanitizer() {
    swift build --build-tests --sanitize=address --scratch-path .build/asan
    LSAN_OPTIONS="suppressions=$root/scripts/sanitizer-suppressions/leaks.txt" run_tests \
        --sanitize=address --scratch-path .build/asan --filter "$address_suites"
}
step_fuzz() { scripts/fuzz.sh --jobs 2; }

quick=(format generate imports behaviours build refusals documents tests linkage release examples benchmarks)
all=("${quick[@]}" demo thread_sanitizer address_sanitizer fuzz)
steps=()
while [[ $# -gt 0 ]]; do
    case $1 in
        --quick) steps=("${quick[@]}") ;;
        --list)
            printf '%s\n' "${all[@]}"
            exit 0
            ;;
        --help | -h)
            show_help
            exit 0
            ;;
        *)
            if ! declare -F "step_$1" >/dev/null; then
                complain "there is no step '$1'; the steps are: ${all[*]}"
                exit 2
            fi
            steps+=("$1")
            ;;
    esac
    shift
done
[[ ${#steps[@]} -eq 0 ]] && steps=("${all[@]}")

scripts/setup.sh
work=$(mktemp -d)
log=$work/log
output=$work/output
trap 'rm -rf -- "$work"' EXIT
trap 'echo; complain "interrupted"; trap - INT; kill -INT -- -$$ 2>/dev/null; exit 130' INT

# What a step that failed said of it: the first lines that look like a reason, and its last.
tell_failure() {
    grep -nE '✘|error:|FAILED|Fatal error|WARNING: ThreadSanitizer|ERROR: AddressSanitizer|SUMMARY:' "$output" | head -n 20 || true
    echo ...
    grep -vE '^(◇|✔|➜|\[)|ld\.gold: warning' "$output" | tail -n 60 || true
}

passed=0
failed=0
tests=0
summary=""
failures=""
started=$SECONDS
for step in "${steps[@]}"; do
    printf '\n=== %s\n' "$step"
    : >"$log"
    begin=$SECONDS
    # A step gets twenty minutes: none takes half of that on two cores.
    export -f say complain as_root run_tests "step_$step"
    export root log thread_suites address_suites
    if timeout --foreground --kill-after=10 1200 bash -c "set -euo pipefail; step_$step" 2>&1 | tee "$output"; then
        result=passed
        passed=$((passed + 1))
    else
        result=FAILED
        failed=$((failed + 1))
        failures+=$(printf '\n=== %s has failed\n' "$step"; tell_failure)$'\n'
    fi
    count=$(sed -n 's/.*Test run with \([0-9]*\) tests\{0,1\} in .*/\1/p' "$log" | awk '{sum += $1} END {print sum + 0}')
    tests=$((tests + count))
    line=$(printf '%-20s %-7s %4d s' "$step" "$result" $((SECONDS - begin)))
    [[ $count -gt 0 ]] && line+="  $count tests"
    summary+="$line"$'\n'
done

printf '%s\n=== what ran\n%s' "$failures" "$summary"
printf 'in all %d s, %d tests\n%d passed, %d failed\n' $((SECONDS - started)) "$tests" "$passed" "$failed"
[[ $failed -eq 0 ]]
