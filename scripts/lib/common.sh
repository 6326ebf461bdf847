# Sourced by every script here: finds the repository, and says things in one way.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$ROOT"

say() { printf '%s\n' "$*"; }
fail() { end_with 1 "$@"; }
# An argument that makes no sense.
misuse() { end_with 2 "$1" "scripts/${0##*/} --help says what there is"; }
end_with() {
    printf '%s: %s\n' "${0##*/}" "$2" >&2
    local code=$1
    shift 2
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit "$code"
}

# Says that cargo will build a program, which it does in silence: profile's folder, program, folders it is made of.
announce_build() {
    local program=$2 built="${CARGO_TARGET_DIR:-target}/$1/$2"
    shift 2
    if [ ! -x "$built" ]; then
        say "Building $program (the first time takes a minute or two)" >&2
    elif [ -n "$(find Cargo.toml Cargo.lock rust-toolchain.toml "$@" -type f -newer "$built" -print -quit)" ]; then
        say "Building $program" >&2
    fi
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
