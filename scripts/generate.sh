#!/usr/bin/env bash
# Makes Sources/CProto/wire.pb-c.c and include/wire.pb-c.h from proto/wire.proto with protoc-c.
#
#   scripts/generate.sh           writes the files
#   scripts/generate.sh --check   compares: exit 1 and a diff if the committed files are not what proto/wire.proto gives
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
source_file="$root/Sources/CProto/wire.pb-c.c"
header_file="$root/Sources/CProto/include/wire.pb-c.h"

mode=write
case "${1-}" in
    "") ;;
    --check) mode=check ;;
    *)
        echo "generate.sh: unknown argument '$1'; use no argument to write, or --check to compare" >&2
        exit 2
        ;;
esac
if [[ $# -gt 1 ]]; then
    echo "generate.sh: at most one argument is understood, got $#" >&2
    exit 2
fi

if ! command -v protoc-c >/dev/null; then
    echo "generate.sh: protoc-c was not found; install it with: apt-get install protobuf-c-compiler" >&2
    exit 2
fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
protoc-c --proto_path="$root/proto" --c_out="$work" wire.proto

if [[ $mode == check ]]; then
    status=0
    diff -u --label "committed wire.pb-c.c" --label "generated wire.pb-c.c" "$source_file" "$work/wire.pb-c.c" || status=1
    diff -u --label "committed wire.pb-c.h" --label "generated wire.pb-c.h" "$header_file" "$work/wire.pb-c.h" || status=1
    if [[ $status -ne 0 ]]; then
        echo "generate.sh: Sources/CProto differs from what proto/wire.proto gives; run scripts/generate.sh and commit" >&2
        exit 1
    fi
    echo "generate.sh: Sources/CProto is what proto/wire.proto gives"
    exit 0
fi

mkdir -p -- "$(dirname -- "$header_file")"
cp -- "$work/wire.pb-c.c" "$source_file"
cp -- "$work/wire.pb-c.h" "$header_file"
echo "generate.sh: wrote Sources/CProto/wire.pb-c.c and Sources/CProto/include/wire.pb-c.h"
