# shellcheck shell=bash
# Sourced by the steps that call a real server. `start` starts the built `rollcall serve` with a database of its own and
# waits until it is healthy at $address ($data and $reports_url say where its files lie); `stop` ends it with SIGTERM and checks that its exit status is 0. When the
# step fails, it shows the server's last words. Whatever happens, neither the server nor its database stays behind.

rollcall=${CARGO_TARGET_DIR:-target}/debug/rollcall
patience=60 # seconds, to start and to stop
scratch=$(mktemp -d /tmp/rollcall-ci.XXXXXX)
chmod 755 "$scratch" # run by root, the database's files belong to another user, who must reach them
server=
address=
data=$scratch/data
reports_url=file://$scratch/reports

[ -x "$rollcall" ] || die "$rollcall is missing: cargo build --bin rollcall"
command -v grpcurl >/dev/null || die "grpcurl is missing: scripts/install-tools"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

running() { kill -0 "$server" 2>/dev/null; }

# Waits until the server has ended; fails after $1 seconds.
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
        echo "the server's last words:" >&2
        tail -n 40 "$scratch/log" >&2
        kill -TERM "$server" 2>/dev/null || true
        ended_within 10 || kill -KILL "$server"
        postmaster=$(find "$scratch" -name postmaster.pid -exec head -n 1 {} +)
        if [ -n "$postmaster" ]; then kill -QUIT "$postmaster" || true; fi
    fi
    rm -rf "$scratch" || true # a database that is still going down may write a last file
    exit "$status"
}
trap clean_up EXIT

call() { grpcurl -plaintext -connect-timeout 1 -max-time 60 "$@"; }

# stream RPC REQUEST: the bytes that a streaming RPC answers, in pieces, as `data`.
stream() {
    call -d "$2" "$address" "rollcall.v1.$1" | python3 -c '
import base64, json, sys
text, decoder = sys.stdin.read().strip(), json.JSONDecoder()
while text:
    piece, end = decoder.raw_decode(text)
    sys.stdout.buffer.write(base64.b64decode(piece.get("data", "")))
    text = text[end:].lstrip()'
}

# run_job JOB: runs it to its end, and prints the run.
run_job() { call -d "{\"name\":\"jobs/$1\",\"wait_timeout\":\"30s\"}" "$address" rollcall.v1.JobService/RunJob; }

start() {
    address=127.0.0.1:$(free_port)
    # DATABASE_URL would take the place of the embedded database.
    env -u DATABASE_URL ROLLCALL_DATA_DIR="$data" ROLLCALL_REPORTS_URL="$reports_url" \
        "$rollcall" serve --listen "$address" >"$scratch/log" 2>&1 &
    server=$!
    local deadline=$((SECONDS + patience))
    until call "$address" grpc.health.v1.Health/Check 2>/dev/null | grep '"SERVING"' >/dev/null; do
        running || die "the server ended while it started"
        ((SECONDS < deadline)) || die "the server is not healthy after $patience s"
        sleep 0.2
    done
}

stop() {
    kill -TERM "$server"
    has_stopped
}

# Waits for a server that was asked to stop.
has_stopped() {
    local status=0
    ended_within "$patience" || die "the server still runs $patience s after SIGTERM"
    wait "$server" || status=$?
    [ "$status" = 0 ] || die "SIGTERM ended the server with exit status $status"
    server=
}
