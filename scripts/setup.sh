#!/usr/bin/env bash
# Installs what the package needs from the system. Says what it does; does nothing when everything is there.
#
#   scripts/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"

if [[ $# -gt 0 ]]; then
    show_help
    [[ $1 == --help || $1 == -h ]] && exit 0
    complain "unknown argument '$1'"
    exit 2
fi

if ! command -v swift >/dev/null; then
    complain "swift was not found in PATH; install Swift 6.3 from https://www.swift.org/install"
    exit 1
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
if [[ $(printf '%s\n' 6.3 "$version" | sort -V | head -n 1) != 6.3 ]]; then
    complain "Swift $version is too old; this package needs 6.3 or later"
    exit 1
fi

# Debian package -> how to see that it is there. The compiler is only needed to check the generated files.
packages=(libprotobuf-c-dev zlib1g-dev protobuf-c-compiler pkg-config)
is_there() {
    case $1 in
        libprotobuf-c-dev) pkg-config --exists libprotobuf-c 2>/dev/null ;;
        zlib1g-dev) pkg-config --exists zlib 2>/dev/null ;;
        protobuf-c-compiler) command -v protoc-c >/dev/null ;;
        pkg-config) command -v pkg-config >/dev/null ;;
    esac
}
missing=()
for package in "${packages[@]}"; do
    is_there "$package" || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
    complain "missing: ${missing[*]} (names of Debian packages). Install them."
    exit 1
fi
say "setup: installing with apt: ${missing[*]}"
install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; }
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
# A machine without fresh package lists needs an update first.
if ! install >"$log" 2>&1 && ! { as_root apt-get update && install; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    complain "apt could not install ${missing[*]}; its last words are above"
    exit 1
fi
for package in "${missing[@]}"; do
    if ! is_there "$package"; then
        complain "$package was installed, but is still not found"
        exit 1
    fi
done
say "setup: done"
