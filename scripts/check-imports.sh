#!/usr/bin/env bash
# Checks who imports whom: CProto <- Wire <- Futures <- WorkerHost, no Foundation, no NIO, and in Wire no clock, lock,
# thread or descriptor. docs/design.md draws it.
#
#   scripts/check-imports.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

# Folder -> the modules that its files may import.
declare -A allowed=(
    [Sources/Wire]="CProto"
    [Sources/Futures]="CProto DequeModule Glibc HeapModule Synchronization Wire"
    [Sources/WorkerHost]="ArgumentParser CZlib Crypto Futures Glibc Synchronization"
)
failures=0
for folder in Sources/*/; do
    folder=${folder%/}
    case $folder in
        # C only; its headers must not reach for anything of ours.
        Sources/CProto | Sources/CProtobufC | Sources/CZlib)
            if find "$folder" -name '*.swift' | grep -q .; then
                complain "$folder is C only, and has Swift files"
                failures=$((failures + 1))
            fi
            continue
            ;;
    esac
    if [[ -z ${allowed[$folder]-} ]]; then
        complain "$folder is new: say in scripts/check-imports.sh and docs/design.md what it may import"
        failures=$((failures + 1))
        continue
    fi
    while IFS=: read -r file line module; do
        if [[ " ${allowed[$folder]} " != *" $module "* ]]; then
            complain "$file:$line: $folder must not import $module (it may import: ${allowed[$folder]})"
            failures=$((failures + 1))
        fi
    done < <(
        grep -rnE --include='*.swift' '^[[:space:]]*(@[a-zA-Z_()]+[[:space:]]+)*((public|package|internal|fileprivate|private)[[:space:]]+)?import[[:space:]]' "$folder" |
            sed -E 's/^([^:]+:[0-9]+):.*import[[:space:]]+((struct|class|enum|protocol|func|var|let|typealias)[[:space:]]+)?([A-Za-z_0-9]+).*/\1:\4/'
    )
done
if [[ $failures -gt 0 ]]; then
    complain "$failures wrong imports"
    exit 1
fi
say "imports: as docs/design.md draws them"
