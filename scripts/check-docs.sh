#!/usr/bin/env bash
# Checks that the Swift code in docs/ compiles: each ```swift block, against the modules that `swift build` has made. The
# code of README.md is a whole program, which scripts/check-readme.sh and the examples check.
#
#   scripts/check-docs.sh            all pages
#   scripts/check-docs.sh PAGE...    these only
#   scripts/check-docs.sh --help
#
# A block is the body of a function that may throw, and is async where it awaits something. A comment in the line before
# it says otherwise:
#
#   <!-- shared -->         it is not in a function: the later blocks of the page see what it declares
#   <!-- program -->        it is a file of its own, with its imports, and sees nothing of the page
#   <!-- module NAME -->    it is a module, which other blocks may import
#   <!-- fragment -->       it does not compile by itself, and is not checked
#
# What blocks use and a reader need not see is in the page as a comment of several lines: "<!-- swift", code, "-->".
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

here=$OLDPWD
pages=()
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
        *) pages+=("$(realpath --relative-to="$root" -- "$here/$1")") ;;
    esac
    shift
done
[[ ${#pages[@]} -eq 0 ]] && mapfile -d '' pages < <(find docs -name '*.md' -print0 | sort -z)
source scripts/lib/type-check.sh
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
begin=$SECONDS

# Prints what the compiler says against a page's code, and fails then.
check() {
    local work=$1 file name status=0
    for file in "$work"/module-*.swift; do
        [[ -e $file ]] || continue
        name=$(basename -- "$file" .swift)
        name=${name#module-}
        compile -suppress-warnings -emit-module -module-name "$name" -o "$work/$name.swiftmodule" "$file" || status=1
    done
    for file in "$work"/page.swift "$work"/program-*.swift; do
        [[ -e $file ]] || continue
        # As far as the checks that come after the types': of variables without a value, of data races.
        compile -emit-sil -o /dev/null -module-name Program -suppress-warnings -I "$work" "$file" || status=1
    done
    return "$status"
}
export -f check

failures=0
for page in "${pages[@]}"; do
    mkdir -p -- "$work/$page"
    awk -v work="$work/$page" -f scripts/lib/swift-blocks.awk "$page" >>"$work/counts" || failures=$((failures + 1))
done
# Two compilers at a time.
printf '%s\0' "${pages[@]/#/$work/}" |
    xargs -0 -n 1 -P 2 bash -c 'set -euo pipefail; check "$0"' >"$work/found" || failures=$((failures + 1))
blocks=$(awk '$1 == "blocks" { sum += $2 } END { print sum + 0 }' "$work/counts")
fragments=$(awk '$1 == "fragments" { sum += $2 } END { print sum + 0 }' "$work/counts")
if [[ $failures -gt 0 ]]; then
    cat -- "$work/found" >&2
    complain "the code of docs/ does not compile (blocks: $blocks, errors of the compiler: $(grep -c ': error: ' "$work/found" || true))"
    exit 1
fi
if [[ $blocks -eq 0 ]]; then
    complain "there is no Swift code in ${pages[*]}"
    exit 1
fi
say "documents: $blocks blocks of Swift compile; left out as fragments: $fragments ($((SECONDS - begin)) s)"
