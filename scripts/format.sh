#!/usr/bin/env bash
# Formats all Swift code in place, or with --check fails where the format differs.
#
#   scripts/format.sh [--check]
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

folders=()
for folder in Package.swift Sources Tests Examples Benchmarks; do
    [[ -e $folder ]] && folders+=("$folder")
done
# Builds of the packages within, and downloads, are not ours.
mapfile -d '' files < <(find "${folders[@]}" \( -name .build -o -name .venv \) -prune -o -name '*.swift' -print0)
case ${1-} in
    "") swift format format --in-place --parallel "${files[@]}" ;;
    --check)
        swift format lint --strict --parallel "${files[@]}"
        say "format: ${#files[@]} files are as they should be"
        ;;
    *)
        complain "unknown argument '$1'; use none to format, --check to compare"
        exit 2
        ;;
esac
