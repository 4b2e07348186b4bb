# What the scripts share; to be sourced. Sets `root` and goes there; `script` is the script's own path.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
script=$(cd -- "$(dirname -- "$0")" && pwd)/$(basename -- "$0")
cd -- "$root"

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; }

# Prints the comment at the top of the script.
show_help() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$script"; }

# Runs a command as root: directly, or through sudo.
as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        complain "this needs root, and there is no sudo: $*"
        return 1
    fi
}
