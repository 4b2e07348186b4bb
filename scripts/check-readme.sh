#!/usr/bin/env bash
# Checks that the Swift code that README.md shows is the program Examples/Quickstart, which is built and run.
#
#   scripts/check-readme.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

program=Examples/Quickstart/Quickstart.swift
shown=$(sed -n '/^```swift$/,/^```$/p' README.md | sed '/^```/d')
if [[ -z $shown ]]; then
    complain "README.md shows no Swift code"
    exit 1
fi
if ! diff -u --label "README.md" --label "$program" <(printf '%s\n' "$shown") "$program"; then
    complain "README.md and $program differ"
    exit 1
fi
say "readme: its code is $program"
