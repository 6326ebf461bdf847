# Sourced by every script here: finds the repository, and says things in one way.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$ROOT"

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# Prints the comment block that starts on a script's second line: its help.
help() { sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p;};}' "$0"; }
wants_help() {
    for argument in "$@"; do
        case "$argument" in
            -h | --help) return 0 ;;
            --) return 1 ;;
        esac
    done
    return 1
}

# The exact version that Cargo.toml pins (`name = "=1.2.3"`), so that it stands in one place.
pinned() { sed -n "s/^$1 = .*\"=\([0-9.]*\)\".*/\1/p" Cargo.toml | head -n 1; }
