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

# Prints the folders that may contain the server programs, one on each line, the best first.
postgres_folders() {
    pg_config --bindir || true
    dirname "$(command -v initdb)" || true
    printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV
    printf '%s\n' /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin | sort -rV
    printf '%s\n' /Applications/Postgres.app/Contents/Versions/*/bin | sort -rV
}

is_postgres() { [ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] && [ -x "$1/postgres" ]; }

# Prints the folder with the server programs of Postgres. Fails if there is none.
find_postgres() {
    local folder
    if [ -n "${PG_BIN_DIR:-}" ]; then
        is_postgres "$PG_BIN_DIR" || die "PG_BIN_DIR=$PG_BIN_DIR lacks initdb, pg_ctl or postgres"
        echo "$PG_BIN_DIR"
        return
    fi
    while read -r folder; do
        if is_postgres "$folder"; then
            echo "$folder"
            return
        fi
    done < <(postgres_folders 2>/dev/null)
    return 1
}
