# shellcheck shell=bash
# Sourced by the scripts here and in .ci. The scripts must also run with an empty environment (cron, `env -i`, a minimal
# container), so this file sets HOME and PATH. It also sets $root, the repository, and $tools, the folder of the pinned
# tools.

HOME=${HOME:-~}
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/local/go/bin
export HOME PATH

# shellcheck disable=SC2034 # read by the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034
tools=${ROLLCALL_TOOLS_DIR:-$HOME/.cache/rollcall/tools}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}
