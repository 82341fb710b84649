# Stops an embedded Postgres that has no users, so that a killed process leaves no server behind.
# A file users/PID.NUMBER in the data directory stands for a user. A file whose process has ended does not count.
# $1 name in the list of processes  $2 data directory  $3 process id of the server  $4 socket directory
# $5 seconds without a user before the server is stopped
data=$2 server=$3 socket=$4 linger=$5
runs() {
    read -r pid 2>/dev/null <"$data/postgres/postmaster.pid" && [ "$pid" = "$server" ] && kill -0 "$server" 2>/dev/null
}
has_users() {
    for file in "$data"/users/*; do
        [ -e "$file" ] || continue
        name=${file##*/}
        kill -0 "${name%%.*}" 2>/dev/null && return 0
        rm -f "$file"
    done
    return 1
}
idle=0
while runs; do
    if has_users; then
        idle=0
    elif [ "$idle" -lt "$linger" ]; then
        idle=$((idle + 1))
    else
        # This script creates its mark before it looks for users again. A new user creates its file before it looks for
        # the mark. So at least one of them sees the other.
        : >"$data/stopping"
        if ! has_users; then
            kill -INT "$server"
            while runs; do sleep 1; done
            rmdir "$socket" 2>/dev/null
        fi
        rm -f "$data/stopping"
    fi
    sleep 1
done
