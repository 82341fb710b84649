# shellcheck shell=bash
# Sourced by the steps that call a real server. `start` starts the built `rollcall serve` with its own database and waits
# until it is healthy at $address. $data and $reports_url are the places of its files. `stop` ends it with SIGTERM and
# checks that its exit status is 0. If the step fails, the end of the server's log is shown. In every case the server and
# its database are stopped at the end.

rollcall=${CARGO_TARGET_DIR:-target}/debug/rollcall
patience=60 # seconds to wait for a start or a stop
scratch=$(mktemp -d /tmp/rollcall-ci.XXXXXX)
chmod 755 "$scratch" # as root, the database runs as another user, who needs access to its files
server=
address=
data=$scratch/data
reports_url=file://$scratch/reports

[ -x "$rollcall" ] || die "$rollcall is missing: cargo build --bin rollcall"
command -v grpcurl >/dev/null || die "grpcurl is missing: scripts/install-tools"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

running() { kill -0 "$server" 2>/dev/null; }

# ended_within SECONDS: waits until the server has ended, and fails if it takes longer.
ended_within() {
    local deadline=$((SECONDS + $1))
    while running; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}

clean_up() {
    local status=$? postmaster
    if [ -n "$server" ]; then
        echo "the end of the server's log:" >&2
        tail -n 40 "$scratch/log" >&2
        kill -TERM "$server" 2>/dev/null || true
        ended_within 10 || kill -KILL "$server"
        postmaster=$(find "$scratch" -name postmaster.pid -exec head -n 1 {} +)
        if [ -n "$postmaster" ]; then kill -QUIT "$postmaster" || true; fi
    fi
    rm -rf "$scratch" || true # a database that is still stopping may write another file
    exit "$status"
}
trap clean_up EXIT

call() { grpcurl -plaintext -connect-timeout 1 -max-time 60 "$@"; }

# stream RPC REQUEST: prints the bytes that a streaming RPC returns in the `data` of its messages.
stream() {
    call -d "$2" "$address" "rollcall.v1.$1" | python3 -c '
import base64, json, sys
text, decoder = sys.stdin.read().strip(), json.JSONDecoder()
while text:
    piece, end = decoder.raw_decode(text)
    sys.stdout.buffer.write(base64.b64decode(piece.get("data", "")))
    text = text[end:].lstrip()'
}

# run_job JOB: runs the job, waits for its end, and prints the run.
run_job() { call -d "{\"name\":\"jobs/$1\",\"wait_timeout\":\"30s\"}" "$address" rollcall.v1.JobService/RunJob; }

start() {
    address=127.0.0.1:$(free_port)
    # With DATABASE_URL, the server would not start its embedded database.
    env -u DATABASE_URL ROLLCALL_DATA_DIR="$data" ROLLCALL_REPORTS_URL="$reports_url" \
        "$rollcall" serve --listen "$address" >"$scratch/log" 2>&1 &
    server=$!
    local deadline=$((SECONDS + patience))
    until call "$address" grpc.health.v1.Health/Check 2>/dev/null | grep '"SERVING"' >/dev/null; do
        running || die "the server ended during its start"
        ((SECONDS < deadline)) || die "the server was not healthy within $patience s"
        sleep 0.2
    done
}

stop() {
    kill -TERM "$server"
    has_stopped
}

# Waits for the end of a server that was asked to stop.
has_stopped() {
    local status=0
    ended_within "$patience" || die "the server did not stop within $patience s after SIGTERM"
    wait "$server" || status=$?
    [ "$status" = 0 ] || die "SIGTERM ended the server with exit status $status"
    server=
}
