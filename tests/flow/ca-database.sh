#!/bin/sh
# ca-database.sh — the authorities' database goes away and comes back while they serve: killed while nobody asks, killed
# under requests, away for a while. What was answered is there, what was refused can be asked again, nothing is twice, and no
# daemon was started anew. Beside a PostgreSQL (tests/support/postgres.sh).
. "$(dirname "$0")/ca-world.sh"
[ -n "$BOOK" ] || fail "run it with postgres.sh"

server() { "$JPKI_TEST_POSTGRES_SH" "$@" > "$W/said" 2>&1 || fail "postgres.sh $*"; }
founded node-national 000000 national
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
check "serve" start
check "ocsp" start_ocsp
SERVE=$PID

enrol() { # number
    request_file "enrol-$1" 462012 319800217 20350217145959Z
    ir auth "$W/holder.key" "$W/holder-$1.pem"
}
event() { # number serial
    call national POST /v1/events "{\"sequence\":$1,\"event\":\"removed\",\"time\":\"2026-11-23T09:30:00Z\",\"certificates\":[{\"authority\":\"auth\",\"serial\":\"$2\"}]}" | tail -n 1
}

check "an enrolment" enrol 1
server kill
server start
check "killed while nobody asks: the next request is served" enrol 2
says "and OCSP answers" "good" auth "$W/holder-2.pem"
server kill
! enrol 3 > "$W/said" 2>&1 || fail "an answer without a database"
grep -qi "postgresql\|connection" "$W/log" || fail "the log does not say what is missing"
FIRST=$(serial "$W/holder-1.pem")
case $(event 1 "$FIRST") in 5*) ;; *) fail "an event was taken without a database" ;; esac
server start
check "back: the same request" enrol 3
same "back: the same event" 200 "$(event 1 "$FIRST")"
same "it revoked" revoked "$(state auth "$FIRST")"

# under load: requests without an end, each repeated until it is answered
: > "$W/answered"
(
    N=10
    while [ ! -e "$W/enough" ]; do
        until enrol $N > "$W/load.said" 2>&1; do sleep 0.05; done
        echo $N >> "$W/answered"
        N=$((N + 1))
    done
) &
LOAD=$!
answered() { wc -l < "$W/answered"; }
more() { [ "$(answered)" -gt "$THEN" ]; }
for pause in 0 0.15 0.3; do # the moment of the kill: after the answer to one request, in the midst of another
    THEN=$(answered)
    soon more || fail "nothing is answered"
    sleep $pause
    server kill
    sleep 0.2
    server start
done
THEN=$(answered)
soon more || fail "nothing is answered after the last kill"
touch "$W/enough"
wait $LOAD || fail "the load"
LAST=$(answered)
kill -0 "$SERVE" || fail "the daemon did not stay"

same "each request has one certificate" "$((LAST + 3))" "$(rows "SELECT COUNT(*) FROM certificates WHERE authority = 'auth' AND municipality <> '' AND list <> '-' AND confirmed_at IS NOT NULL")"
same "and no other" "$((LAST + 3))" "$(rows "SELECT COUNT(*) FROM certificates WHERE authority = 'auth' AND municipality <> '' AND list <> '-'")"
same "no serial twice" 0 "$(rows 'SELECT COUNT(*) - COUNT(DISTINCT authority || serial) FROM certificates')"
for n in $(cat "$W/answered"); do
    same "what was answered is active" active "$(state auth "$(serial "$W/holder-$n.pem")")"
done
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
stop_ocsp
stop
echo "$CHECKS checks"
