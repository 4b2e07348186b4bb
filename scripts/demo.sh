#!/usr/bin/env bash
# Builds the examples and runs them on real input: primes in worker processes, and the words of a large text.
#
#   scripts/demo.sh [FILE]     FILE: a text of your own, instead of one that is made from what this machine has
#   scripts/demo.sh --short    with a small text
#   scripts/demo.sh --help
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

wanted=$((100 * 1024 * 1024))
file=""
here=$OLDPWD
while [[ $# -gt 0 ]]; do
    case $1 in
        --help | -h)
            show_help
            exit 0
            ;;
        --short) wanted=$((4 * 1024 * 1024)) ;;
        -*)
            complain "unknown option '$1'; see --help"
            exit 2
            ;;
        *)
            if [[ -n $file ]]; then
                complain "one text at a time: '$1' is the second"
                exit 2
            fi
            case $1 in
                /*) file=$1 ;;
                *) file=$here/$1 ;;
            esac
            ;;
    esac
    shift
done
if [[ -n $file && ! -e $file ]]; then
    complain "there is no file $file"
    exit 1
fi

# What is made on the way, gone at the end however that comes. Beside the text, so that it can be moved there.
mkdir -p .build/demo
work=$(mktemp -d .build/demo/XXXXXX)
trap 'rm -rf -- "$work"' EXIT
# Bash goes on after a program that ends in an orderly way when it is interrupted, as swift build does.
trap 'exit 130' INT

# A text of $wanted bytes: the package lists that apt has, without the checksums, which are no words; the documentation
# of the installed packages; and this package's own sources. As much as there is, over again if that is too little.
make_text() {
    apt-cache dumpavail 2>/dev/null | grep -vE '^(MD5sum|SHA[0-9]+|Description-md5|Filename):' >"$work/1-packages" || true
    find /usr/share/doc /usr/share/common-licenses /usr/share/perl /usr/lib/python3 -type f -size +1k \
        \( -name '*.txt' -o -name '*.html' -o -name copyright -o -name 'README*' -o -name 'changelog*' -o -name '*.pm' \
        -o -name '*.pod' -o -name '*.py' -o -path '*/common-licenses/*' \) ! -name '*.gz' -print0 2>/dev/null |
        sort -z | xargs -0 -r cat >"$work/2-documentation" 2>/dev/null || true
    find Sources Tests docs -type f \( -name '*.swift' -o -name '*.c' -o -name '*.md' \) -print0 |
        sort -z | xargs -0 cat >"$work/3-sources"
    while [[ $(stat -c %s "$work/text" 2>/dev/null || echo 0) -lt $wanted ]]; do
        cat "$work"/[123]-* >>"$work/text"
    done
    truncate -s "$wanted" "$work/text"
    mv -- "$work/text" "$1"
    say "demo: made a text of $((wanted / 1048576)) MiB from $(size_of 1-packages) MB of apt's package lists," \
        "$(size_of 2-documentation) MB of documentation and $(size_of 3-sources) MB of sources"
}
size_of() { echo $((($(stat -c %s "$work/$1") + 500000) / 1000000)); }

scripts/setup.sh
say "demo: building the examples (release)"
if ! swift build --package-path Examples -c release >"$work/log" 2>&1; then
    cat -- "$work/log" >&2
    complain "the build failed"
    exit 1
fi
bin=$(swift build --package-path Examples -c release --show-bin-path)
if [[ -z $file ]]; then
    file=$root/.build/demo/text-$wanted.txt
    [[ -s $file ]] || make_text "$file"
fi

printf '\n=== Primes\n'
"$bin/Primes"
printf '\n=== Words of %s\n' "$file"
"$bin/WordCount" "$file"
