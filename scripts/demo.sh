#!/usr/bin/env bash
# Builds the examples and runs them on real input: primes in worker processes, and the words of a large text.
#
#   scripts/demo.sh [FILE]     FILE: a text of your own, instead of one made from what Debian has on this machine
#   scripts/demo.sh --short    with a small text
#   scripts/demo.sh --help
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

wanted=$((100 * 1024 * 1024))
file=""
here=$OLDPWD
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            sed -n '2,6s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        --short) wanted=$((4 * 1024 * 1024)) ;;
        -*)
            complain "unknown option '$1'; see --help"
            exit 2
            ;;
        /*) file=$1 ;;
        *) file=$here/$1 ;;
    esac
    shift
done
if [[ -n $file && ! -e $file ]]; then
    complain "there is no file $file"
    exit 1
fi

# A text of at least $wanted bytes: the package lists that apt has, the documentation of the installed packages, and
# what the package descriptions say, in this order and as much as there is, over again if that is too little.
make_text() {
    local target=$1 parts
    parts=$(mktemp -d)
    apt-cache dumpavail >"$parts/1-dumpavail" 2>/dev/null || true
    find /usr/share/doc /usr/share/common-licenses /usr/share/perl /usr/lib/python3 -type f -size +1k \
        \( -name '*.txt' -o -name '*.html' -o -name copyright -o -name 'README*' -o -name 'changelog*' -o -name '*.pm' \
        -o -name '*.pod' -o -name '*.py' -o -path '*/common-licenses/*' \) ! -name '*.gz' -print0 2>/dev/null |
        sort -z | xargs -0 -r cat >"$parts/2-documentation" 2>/dev/null || true
    : >"$target.new"
    while [[ $(stat -c %s "$target.new") -lt $wanted ]]; do
        local before
        before=$(stat -c %s "$target.new")
        cat "$parts"/* >>"$target.new"
        if [[ $(stat -c %s "$target.new") -eq $before ]]; then
            complain "this machine has neither package lists nor documentation to count; name a text: scripts/demo.sh FILE"
            rm -rf -- "$parts" "$target.new"
            return 1
        fi
    done
    say "demo: made a text of $(($(stat -c %s "$target.new") / 1048576)) MiB from $(stat -c %s "$parts/1-dumpavail") bytes" \
        "of apt's package descriptions and $(stat -c %s "$parts/2-documentation") bytes of documentation"
    rm -rf -- "$parts"
    mv -- "$target.new" "$target"
}

scripts/setup.sh
say "demo: building the examples (release)"
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
if ! swift build --package-path Examples -c release >"$log" 2>&1; then
    cat -- "$log" >&2
    complain "the build failed"
    exit 1
fi
bin=$(swift build --package-path Examples -c release --show-bin-path)
if [[ -z $file ]]; then
    mkdir -p .build/demo
    file=$root/.build/demo/text-$wanted.txt
    [[ -s $file ]] || make_text "$file"
fi

printf '\n=== Primes\n'
"$bin/Primes"
printf '\n=== Words of %s\n' "$file"
"$bin/WordCount" "$file"
