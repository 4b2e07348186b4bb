#!/usr/bin/env bash
# Checks what the built programs load: a program that uses Futures, and so its workers, neither Foundation nor NIO;
# worker-host no Foundation and no NIO either, but FoundationEssentials, which its argument parser needs.
#
#   scripts/check-linkage.sh [debug|release]
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

configuration=${1-debug}
folder=$(swift build -c "$configuration" --show-bin-path)
failures=0
check() {
    local program=$1 forbidden=$2 libraries found
    if [[ ! -x $folder/$program ]]; then
        complain "$folder/$program is not built"
        failures=$((failures + 1))
        return
    fi
    libraries=$(ldd "$folder/$program" | awk '{print $1}')
    found=$(grep -E "$forbidden" <<<"$libraries" || true)
    if [[ -n $found ]]; then
        complain "$program loads $(tr '\n' ' ' <<<"$found")"
        failures=$((failures + 1))
    fi
    # A library of Swift packages is linked statically: its symbols are in the program itself.
    if nm "$folder/$program" 2>/dev/null | grep -qE '\$s7NIOCore|\$s8NIOPosix'; then
        complain "$program contains NIO"
        failures=$((failures + 1))
    fi
}
[[ $configuration == debug ]] && check test-worker '^lib_?Foundation'
check worker-host '^lib_?Foundation(\.so|Internationalization|Networking|XML)|^lib_FoundationICU'
if [[ $failures -gt 0 ]]; then exit 1; fi
say "linkage: no Foundation, no NIO ($configuration)"
