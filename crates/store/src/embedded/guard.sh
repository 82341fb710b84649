# Stops an embedded Postgres that nobody uses any more, so that a killed owner leaves no server behind.
# A user is a process whose id is the name of a file in users/, up to the first dot.
# $1 a name for the list of processes, then
# $1 data directory  $2 process id of the server  $3 socket directory  $4 how many rounds without a user to wait
shift
running() {
    read -r pid 2>/dev/null < "$1/postgres/postmaster.pid" && [ "$pid" = "$2" ] && kill -0 "$2" 2>/dev/null
}
used() {
    for file in "$1"/users/*; do
        [ -e "$file" ] || continue
        name=${file##*/}
        kill -0 "${name%%.*}" 2>/dev/null && return 0
        rm -f "$file"
    done
    return 1
}
idle=0
while running "$1" "$2"; do
    if used "$1"; then
        idle=0
    elif [ "$idle" -lt "$4" ]; then
        idle=$((idle + 1))
    else
        # The mark before the second look, and a new user's file before its look at the mark: one of us sees the other.
        : > "$1/stopping"
        if ! used "$1"; then
            kill -INT "$2"
            while running "$1" "$2"; do sleep 1; done
            rmdir "$3" 2>/dev/null
        fi
        rm -f "$1/stopping"
    fi
    sleep 1
done
