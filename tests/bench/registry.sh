#!/bin/bash
# registry.sh — provision by number and by attributes with all checks and the durable record of use, against as many bare SELECTs; over HTTPS; change notices; SQLite and PostgreSQL
set -euo pipefail
. "$(dirname "$0")/bench_lib.sh"
RESIDENTS=${BENCH_RESIDENTS:-1000000} # 10000000 on demand: about 15 GB and more than an hour
SECONDS_EACH=${BENCH_SECONDS:-3}
CLIENTS=48 # a throw-away PostgreSQL has 60 places
MANY=256   # on SQLite also: what shares a commit is as many as there are clients
TOWN=5000
HERE=$(cd "$(dirname "$0")" && pwd)
POSTGRES=$HERE/../support/postgres.sh
REGISTRY=$BUILD/middleware/registry/jpki-registry
BENCH=$BUILD/tests/bench/bench_registry
JPKI_CA=$BUILD/ca/jpki-ca

if [ -z "${JPKI_TEST_STORE:-}" ]; then # again, beside a server of its own
    command -v psql >/dev/null || { echo "registry.sh: PostgreSQL is not installed (packages of 'check')" >&2; exit 1; }
    exec "$POSTGRES" run "$0" "$@"
fi
# A nation is kept between runs in $BENCH_NATION, if that names a folder.
dir=${BENCH_NATION:-$(mktemp -d)}
NODE=
trap '[ -z "$NODE" ] || kill "$NODE" 2>/dev/null || true; [ -n "${BENCH_NATION:-}" ] || rm -rf "$dir"; [ -z "${W:-}" ] || rm -rf "$W"' EXIT
schema() {
    psql -Xqd "$JPKI_TEST_STORE" -c "CREATE SCHEMA $1"
    echo "$JPKI_TEST_STORE&options=-csearch_path%3D$1"
}

size="$((RESIDENTS / 1000000)) M residents"
[ "$RESIDENTS" -ge 1000000 ] || size="$RESIDENTS residents"
if [ ! -f "$dir/nation-$RESIDENTS.db" ]; then
    "$REGISTRY" populate --store "$dir/making.db" --nation --residents "$RESIDENTS" >/dev/null
    "$BENCH" --task "$dir/making.db"
    mv "$dir/making.db" "$dir/nation-$RESIDENTS.db" # closed: there is no WAL beside it
fi

provide() { # clients, engine, URL, file of what was measured
    "$BENCH" "$3" "$SECONDS_EACH" "$1" >"$4"
    row "provision by 個人番号, all checks and the record of use durable, $1 clients, $2, $size" 1/s higher 0.5 "$(column "$4" number 2)" \
        "$(column "$4" number 3)" "as many clients' bare prepared SELECT of the row, same engine and store"
    row "provision by the four attributes, likewise, $1 clients, $2, $size" 1/s higher 0.5 "$(column "$4" person 2)" \
        "$(column "$4" person 3)" "as many clients' bare prepared SELECT of the row, same engine and store"
}
measure() { # engine, URL
    provide $CLIENTS "$1" "$2" "$dir/$1"
    row "rows of the record of use filed by day and record, $1, $size" 1/s higher - "$(column "$dir/$1" filed 2)" "$(column "$dir/$1" number 2)" \
        "provisions by 個人番号, of which each makes one"
    row "memory of the process that provided, $1, $size" KiB lower 1 "$(column "$dir/$1" memory 2)" 262144 "a bound of our own"
}
notices() { # engine, town, nation
    "$REGISTRY" populate --store "$2" --municipality 462012 --residents $TOWN >/dev/null
    "$BENCH" --notices "$2" "$3" >"$dir/notices-$1"
    row "change notices, town to nation, durable in both, without the wire, $1" 1/s higher 1 "$(column "$dir/notices-$1" notices 2)" 1000 \
        "a bound of our own"
    row "memory of the process that told and heard them, $1" KiB lower 1 "$(column "$dir/notices-$1" notices 3)" 131072 "a bound of our own"
}
served() { # engine, URL: the node over HTTPS, and its memory
    "$REGISTRY" serve --role national --store "$2" --identity "$W/nation" --port 0 --pid-file "$W/node.pid" --log "$W/node.log" >"$W/node.out" &
    NODE=$!
    for _ in $(seq 200); do [ ! -f "$W/node.pid" ] || break; sleep 0.05; done
    "$BENCH" --https "https://127.0.0.1:$(sed -n 's/.*listens on port \([0-9]*\).*/\1/p' "$W/node.log" | tail -n 1)" "$2" "$W/bench" "$SECONDS_EACH" $CLIENTS >"$dir/https-$1"
    awk '/VmHWM/ { print "memory", $2 }' "/proc/$NODE/status" >>"$dir/https-$1"
    kill "$NODE"
    wait "$NODE" || true
    NODE=
    rm -f "$W/node.pid"
    row "provision over HTTPS with client certificates, $CLIENTS clients, $1, $size" 1/s higher - "$(column "$dir/https-$1" https 2)" \
        "$(column "$dir/$1" number 2)" "the same requests in the node's process, without the wire"
    row "memory of the national node, $1, $size" KiB lower 1 "$(column "$dir/https-$1" memory 2)" 262144 "a bound of our own"
}

measure SQLite "$dir/nation-$RESIDENTS.db"
provide $MANY SQLite "$dir/nation-$RESIDENTS.db" "$dir/SQLite-$MANY"
nation=$(schema nation)
"$REGISTRY" store copy --store "$dir/nation-$RESIDENTS.db" --to "$nation" >/dev/null
psql -Xqd "$nation" -c ANALYZE
measure PostgreSQL "$nation"
notices SQLite "$dir/town-$$.db" "$dir/empty-$$.db"
notices PostgreSQL "$(schema town)" "$(schema empty)"
rm -f "$dir/town-$$.db"* "$dir/empty-$$.db"*

# The operations authority gives the node and the agency their certificates.
store=$JPKI_TEST_STORE
unset JPKI_TEST_STORE
. "$HERE/../flow/ca-world.sh"
trap '[ -z "$NODE" ] || kill "$NODE" 2>/dev/null || true; [ -n "${BENCH_NATION:-}" ] || rm -rf "$dir"; rm -rf "$W"' EXIT
JPKI_TEST_STORE=$store
token
check "founding" found
check "the node" identity node-national 000000 nation
check "an agency" identity agency 000000 bench
served SQLite "$dir/nation-$RESIDENTS.db"
served PostgreSQL "$nation"
