#!/bin/bash
# registry.sh — look-ups with checks and the durable record of use, against a bare SELECT; notices; SQLite and PostgreSQL
set -euo pipefail
. "$(dirname "$0")/bench_lib.sh"
RESIDENTS=${JPKI_BENCH_RESIDENTS:-1000000} # 10000000 on demand: about 6 GB and half an hour
SECONDS_EACH=5
THREADS=128
TOWN=5000
POSTGRES=$(realpath "$(dirname "$0")/../support/postgres.sh")
REGISTRY=$BUILD/middleware/registry/jpki-registry

if [ -z "${JPKI_TEST_STORE:-}" ]; then # again, beside a server of its own
    command -v psql >/dev/null || { echo "registry.sh: PostgreSQL is not installed (packages of 'check')" >&2; exit 1; }
    exec "$POSTGRES" run "$0" "$@"
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
schema() {
    psql -Xqd "$JPKI_TEST_STORE" -c "CREATE SCHEMA $1"
    echo "$JPKI_TEST_STORE&options=-csearch_path%3D$1"
}

size="$((RESIDENTS / 1000000)) M residents"
[ "$RESIDENTS" -ge 1000000 ] || size="$RESIDENTS residents"
"$REGISTRY" populate --store "$dir/nation.db" --nation --residents "$RESIDENTS" >/dev/null
nation=$(schema nation)
"$REGISTRY" store copy --store "$dir/nation.db" --to "$nation" >/dev/null
psql -Xqd "$nation" -c ANALYZE

measure() { # engine, URL
    "$BUILD/tests/bench/bench_registry" "$2" $SECONDS_EACH $THREADS >"$dir/$1"
    row "look-ups by number, checks and durable record of use, $THREADS at a time, $1, $size" 1/s higher 0.5 "$(column "$dir/$1" number 2)" \
        "$(column "$dir/$1" number 3)" "one bare indexed SELECT after the other, same engine and store"
    row "look-ups by name, birth and address, likewise, $1, $size" 1/s higher 0.5 "$(column "$dir/$1" person 2)" \
        "$(column "$dir/$1" person 3)" "one bare indexed SELECT after the other, same engine and store"
    row "memory of the process that looked up, $1" KiB lower 1 "$(column "$dir/$1" memory 2)" 131072 "a bound of our own"
}
notices() { # engine, town, nation
    "$REGISTRY" populate --store "$2" --municipality 462012 --residents $TOWN >/dev/null
    "$BUILD/tests/bench/bench_registry" --notices "$2" "$3" >"$dir/notices-$1"
    row "change notices, town to nation, durable in both, without the wire, $1" 1/s higher 1 "$(column "$dir/notices-$1" notices 2)" 1000 \
        "a bound of our own"
}
measure SQLite "$dir/nation.db"
measure PostgreSQL "$nation"
notices SQLite "$dir/town.db" "$dir/empty.db"
notices PostgreSQL "$(schema town)" "$(schema empty)"
