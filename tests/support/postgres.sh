#!/bin/bash
# A throw-away PostgreSQL of a test's own, on a Unix socket in a temporary folder; fsync is on, as it would be in use. The
# folder is in memory where there is room: what tests do to a server is kill it, and a kill leaves memory as it leaves a disk.
# usage: postgres.sh run COMMAND…      starts one, runs the command with its URL in JPKI_TEST_STORE, takes it away again
#        postgres.sh kill | start [OPTION…]     of the one around: kill -9 of every process of it; start it again
set -uo pipefail

find_programs() {
    local initdb
    initdb=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$initdb" ] || { echo "postgres.sh: no PostgreSQL server is installed (Debian package postgresql)" >&2; exit 1; }
    BIN=$(dirname "$initdb")
}

# PostgreSQL refuses to run as root.
plain_user() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi
}

server_start() {
    find_programs
    # Without the old one's lock file: after kill -9 its process number may be another process's by now. syncfs: one call
    # in the place of an fsync for each of a thousand files.
    rm -f "$JPKI_TEST_POSTGRES/data/postmaster.pid" "$JPKI_TEST_POSTGRES"/.s.PGSQL.*
    (cd "$JPKI_TEST_POSTGRES" && plain_user "$BIN/pg_ctl" -D data -w -s -l log start \
        -o "-k $JPKI_TEST_POSTGRES -c listen_addresses='' -c max_connections=60 -c shared_buffers=64MB -c recovery_init_sync_method=syncfs $*" < /dev/null) ||
        { cat "$JPKI_TEST_POSTGRES/log" >&2; exit 1; }
}

# kill -9 of them all; over when none runs (a zombie that nobody has waited for holds nothing).
server_kill() {
    local pids
    pids=$(head -n 1 "$JPKI_TEST_POSTGRES/data/postmaster.pid") || exit 1
    kill -STOP "$pids" # so that no other is born meanwhile
    pids="$pids $(ps -o pid= --ppid "$pids" | tr -s '\n ' ' ')"
    # shellcheck disable=SC2086
    kill -9 $pids 2>/dev/null
    # shellcheck disable=SC2086
    while ps -o stat= -p "$(echo $pids | tr ' ' ',')" | grep -qv '^Z'; do sleep 0.02; done
}

case ${1:-} in
run)
    shift
    [ $# -gt 0 ] || { echo "usage: postgres.sh run COMMAND…" >&2; exit 2; }
    find_programs
    room=$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)
    [ "${room:-0}" -gt 1000000 ] && [ -w /dev/shm ] && room=/dev/shm || room=/tmp
    JPKI_TEST_POSTGRES=$(mktemp -d "$room/jpki-postgres-XXXXXX")
    export JPKI_TEST_POSTGRES
    [ "$(id -u)" != 0 ] || chown nobody:nogroup "$JPKI_TEST_POSTGRES"
    trap '(cd / && plain_user "$BIN/pg_ctl" -D "$JPKI_TEST_POSTGRES/data" -m immediate -s stop 2>/dev/null); rm -rf "$JPKI_TEST_POSTGRES"' EXIT
    trap 'exit 143' TERM INT HUP
    (cd "$JPKI_TEST_POSTGRES" && plain_user "$BIN/initdb" -D data -U jpki -A trust -E UTF8 --locale=C -N) \
        > "$JPKI_TEST_POSTGRES/initdb.log" 2>&1 || { cat "$JPKI_TEST_POSTGRES/initdb.log" >&2; exit 1; }
    server_start
    export JPKI_TEST_STORE="postgresql://jpki@/postgres?host=$JPKI_TEST_POSTGRES"
    JPKI_TEST_POSTGRES_SH=$(realpath "$0")
    export JPKI_TEST_POSTGRES_SH
    "$@" &
    wait $!
    ;;
kill)
    server_kill
    ;;
start)
    shift
    server_start "$@"
    ;;
*)
    echo "usage: postgres.sh run COMMAND… | kill | start [OPTION…]" >&2
    exit 2
    ;;
esac
