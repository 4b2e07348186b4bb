#!/usr/bin/env bash
# Checks that the compiler refuses what it has to refuse: each file of Tests/MustNotCompile, for the reason that the
# file states and for no other. Type-checks them against the modules that `swift build` has made.
#
#   scripts/check-must-not-compile.sh            all files
#   scripts/check-must-not-compile.sh FILE...    these only
#   scripts/check-must-not-compile.sh --help
#
# A file says in lines "// error: TEXT" why it is refused: each TEXT has to be in an error, and each error has to have
# one of them. Where a method is overloaded the compiler gives the reason in notes: "// note: TEXT" has to be in one of
# them. With -D CONTROL the same file has to compile.
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

here=$OLDPWD
files=()
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            show_help
            exit 0
            ;;
        -*)
            complain "unknown option '$1'; see --help"
            exit 2
            ;;
        /*) files+=("$1") ;;
        *) files+=("$here/$1") ;;
    esac
    shift
done
if [[ ${#files[@]} -eq 0 ]]; then
    mapfile -d '' files < <(find Tests/MustNotCompile -name '*.swift' -print0 2>/dev/null | sort -z)
fi
if [[ ${#files[@]} -eq 0 ]]; then
    complain "there is nothing to check in Tests/MustNotCompile"
    exit 1
fi

source scripts/lib/type-check.sh
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# The texts of errors, or of notes.
texts_of() { sed -nE "s/^[^ ].*: $1: //p" <<<"$2"; }
indented() { sed 's/^/    /'; }

# Says on standard output what is wrong with the files; nothing if they are as they should be.
check() {
    local file output errors notes expected text line status
    for file in "$@"; do
        if [[ ! -r $file ]]; then
            echo "$file: cannot be read"
            continue
        fi
        mapfile -t expected < <(sed -n 's|^// error: ||p' "$file")
        if [[ ${#expected[@]} -eq 0 ]]; then
            echo "$file: does not say in a line '// error: TEXT' why it is refused"
            continue
        fi
        status=0
        output=$(type_check -D CONTROL "$file") || status=$?
        if [[ $status -ne 0 ]]; then
            echo "$file: the control (-D CONTROL) has to compile, but:"
            indented <<<"${output:-the compiler ended with code $status}"
        fi
        status=0
        output=$(type_check "$file") || status=$?
        errors=$(texts_of error "$output")
        notes=$(texts_of note "$output")
        if [[ $status -eq 0 ]]; then
            echo "$file: compiles, but has to be refused with:"
            printf '%s\n' "${expected[@]}" | indented
            continue
        fi
        if [[ -z $errors ]]; then
            echo "$file: the compiler ended with code $status, and with no error:"
            indented <<<"$output"
            continue
        fi
        for text in "${expected[@]}"; do
            if ! grep -qF -- "$text" <<<"$errors"; then
                echo "$file: is refused, but not with:"
                indented <<<"$text"
                echo "  but with:"
                indented <<<"$errors"
            fi
        done
        while read -r text; do
            if ! grep -qF -- "$text" <<<"$notes"; then
                echo "$file: is refused, but without the note:"
                indented <<<"$text"
            fi
        done < <(sed -n 's|^// note: ||p' "$file")
        while read -r line; do
            if ! grep -qF -- "$(printf '%s\n' "${expected[@]}")" <<<"$line"; then
                echo "$file: is refused for a reason that it does not state:"
                indented <<<"$line"
            fi
        done <<<"$errors"
    done
}
export -f check texts_of indented

# Two compilers at a time; each call checks a few files, and writes what it finds in a file of its own.
begin=$SECONDS
status=0
printf '%s\0' "${files[@]}" |
    xargs -0 -n 8 -P 2 bash -c 'set -euo pipefail; check "$@" >"$(mktemp "$0/XXXXXX")"' "$work" || status=$?
found=$(cat -- "$work"/*)
if [[ -n $found ]]; then
    printf '%s\n' "$found" >&2
    complain "findings: $(grep -c '^[^ ]' <<<"$found"), files: ${#files[@]}"
    exit 1
fi
if [[ $status -ne 0 ]]; then
    complain "the files could not be checked (xargs ended with code $status)"
    exit 1
fi
say "refusals: the compiler refuses ${#files[@]} files for the reasons that they state ($((SECONDS - begin)) s)"
