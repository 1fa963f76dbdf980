#!/bin/sh
# ca-store.sh — the book is backed up, restored and moved between the engines and back while the authorities serve, and its trail
# stays whole; what would lose something is refused. Beside a PostgreSQL (tests/support/postgres.sh).
. "$(dirname "$0")/ca-world.sh"
[ -n "$BOOK" ] || fail "run it with postgres.sh"
SERVER=$BOOK
BOOK= # it begins as a file

store() { command=$1; shift; "$JPKI_CA" store "$command" --state "$W/ca" "$@"; }
verify() { check "$1: the trail" "$JPKI_CA" audit-verify --state "$W/ca"; }
enrol() { # number
    request_file "enrol-$1" 462012 319800217 20350217145959Z
    ir auth "$W/holder.key" "$W/holder-$1.pem"
}
founded
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
check "serve" start
check "an enrolment" enrol 1

# a backup under load
: > "$W/answered"
(
    N=10
    while [ ! -e "$W/enough" ]; do
        enrol $N > "$W/load.said" 2>&1 && echo $N >> "$W/answered"
        N=$((N + 1))
    done
) &
LOAD=$!
until [ "$(wc -l < "$W/answered")" -ge 1 ]; do sleep 0.05; done
check "backup under load" store backup --to "$W/backup.db"
THEN=$(wc -l < "$W/answered")
check "copy to the server under load" store copy --to "$SERVER"
until [ "$(wc -l < "$W/answered")" -gt "$THEN" ]; do sleep 0.05; done
touch "$W/enough"
wait $LOAD || fail "the load"
same "a backup is private" 600 "$(stat -c %a "$W/backup.db")"
refuse "a backup onto a backup" store backup --to "$W/backup.db"
refuse "a copy onto a copy" store copy --to "$SERVER"
refuse "a restore onto the book" store restore --from "$W/backup.db"
refuse "moving while it serves" store use --store "$SERVER"
grep -q "in use" "$W/said" || fail "why not is not said"
stop
refuse "moving to a copy that is behind" store use --store "$SERVER"
grep -q "older copy" "$W/said" || fail "why not is not said"
verify "after the load"

# to the server: a fresh copy now that nobody writes
book
NOW=$BOOK
BOOK=
check "copy to the server" store copy --to "$NOW"
check "both are the same" store check --against "$NOW"
check "use it" store use --store "$NOW"
verify "on the server"
check "serve from the server" start
check "the same request again" enrol 1
check "an enrolment" enrol 2
stop
refuse "not back to the old file: it is behind" store use --store "$W/ca/ca.db"

# and back into a file
check "copy to a file" store copy --to "sqlite:$W/ca/back.db"
check "use it" store use --store "sqlite:$W/ca/back.db"
verify "back in a file"
check "serve from the file" start
check "an enrolment" enrol 3
same "the first is active" active "$(state auth "$(serial "$W/holder-1.pem")")"
same "the second is active" active "$(state auth "$(serial "$W/holder-2.pem")")"
stop
check "the last" store backup --to "$W/last.db"

# the book is lost
rm "$W/ca/back.db"
check "restore" store restore --from "$W/last.db"
verify "restored"
refuse "a spoilt trail is not taken" sh -c "cp '$W/last.db' '$W/spoilt.db' && sqlite3 '$W/spoilt.db' \"UPDATE audit SET detail = 'nothing' WHERE sequence = 5\" && '$JPKI_CA' store use --state '$W/ca' --lost --store '$W/spoilt.db'"
check "serve" start
check "the same request again" enrol 3
check "an enrolment" enrol 4
stop
verify "at last"
echo "$CHECKS checks"
