#!/bin/sh
# ca-faults.sh — kill -9 at every durable step of founding, issuance and revocation, each cell run: start with the fault,
# see the process die there, start again, repeat the step. Afterwards: no serial twice, no certificate lost, the lists and
# the trail whole. Needs a build with -Dfaults=true.
# usage: ca-faults.sh [short]
. "$(dirname "$0")/ca-world.sh"

LIST_POINTS="crl.before_number crl.after_number crl.before_sync crl.after_sign crl.after_record crl.before_hand_over crl.after_hand_over"
dead() { # point: the server must die
    code=0
    wait "$PID" 2> /dev/null || code=$?
    [ "$code" = 137 ] || fail "$1: the server did not die there (exit $code)"
    PID=
    CHECKS=$((CHECKS + 1))
}
coherent() { # point
    check "$1: the trail" "$JPKI_CA" audit-verify --state "$W/ca"
    same "$1: no serial twice" 0 "$(rows 'SELECT COUNT(*) - COUNT(DISTINCT authority || serial) FROM certificates')"
    same "$1: nothing recorded but not signed" 0 "$(rows 'SELECT COUNT(*) FROM certificates WHERE certificate IS NULL')"
    same "$1: every signed certificate was recorded before" 0 \
        "$(rows "SELECT COUNT(*) FROM audit i WHERE action = 'issued' AND NOT EXISTS(SELECT 1 FROM audit r WHERE r.action = 'recorded' AND r.subject = i.subject AND r.sequence < i.sequence)")"
}
on_list() { # authority serial
    openssl crl -inform DER -in "$W/ca/publication/$1/$PLACE.crl" -noout -text 2> /dev/null | grep -q "Serial Number: $2$"
}

# --- founding ------------------------------------------------------------------------------------------------------------
FOUND_POINTS="ceremony.after_plan ceremony.after_key ceremony.after_key:2 ceremony.after_key:3 ceremony.after_certificate
    ceremony.after_certificate:2 ceremony.after_certificate:3 ceremony.after_transcript ceremony.after_entered $LIST_POINTS crl.after_record:3
    ceremony.before_done ceremony.after_done"
ISSUE_POINTS="ca.before_record ca.after_record ca.before_sign ca.after_sign ca.after_issued cmp.before_keep cmp.after_keep
    ca.before_confirm ca.after_confirm"
REVOKE_POINTS="ca.before_revoke ca.after_revoke $LIST_POINTS"
EVENT_POINTS="ca.before_event ca.after_event $LIST_POINTS"
if [ -n "$BOOK" ]; then # beside a PostgreSQL some of the points at which the book is written: the others have no engine in them
    FOUND_POINTS=ceremony.after_entered
    LIST_POINTS=crl.after_record
    ISSUE_POINTS="ca.after_record ca.after_issued ca.after_confirm"
    REVOKE_POINTS=ca.after_revoke
    EVENT_POINTS=store.before_commit
elif [ "${1:-}" = short ]; then # one point for each thing that is taken up again
    FOUND_POINTS="ceremony.after_plan ceremony.after_key:2 ceremony.after_certificate:2 ceremony.after_entered crl.after_sign
        crl.after_record:3 ceremony.before_done ceremony.after_done"
    LIST_POINTS="crl.after_sign crl.after_record"
    ISSUE_POINTS="ca.after_record ca.after_sign cmp.after_keep ca.after_confirm"
    REVOKE_POINTS="ca.after_revoke $LIST_POINTS"
    EVENT_POINTS="ca.after_event crl.before_hand_over"
fi
# Making keys is what takes the time here. A founding that is killed after its last key is therefore one that takes up what another, killed at
# that key, has left: made once, copied for each of those points. One of them is reached in one go all the same.
keyed() {
    if [ ! -d "$W/keyed" ]; then
        token
        code=0
        JPKI_FAULT=ceremony.after_key:3 found > "$W/said" 2>&1 || code=$?
        same "three keys made: killed" 137 "$code"
        mkdir "$W/keyed"
        mv "$W/ca" "$W/tokens" "$W/keyed/"
    fi
    cp -a "$W/keyed/ca" "$W/keyed/tokens" "$W/"
}
for point in $FOUND_POINTS; do
    rm -rf "$W/ca" "$W/tokens"
    case $point in
    ceremony.after_plan | ceremony.after_key* | ceremony.after_entered)
        token
        book
        ;;
    *) keyed ;;
    esac
    code=0
    JPKI_FAULT=$point found > "$W/said" 2>&1 || code=$?
    same "$point: killed" 137 "$code"
    if [ "$point" = ceremony.after_done ]; then
        refuse "$point: founded already" found
    else
        check "$point: repeated" found
    fi
    same "$point: three keys" 3 "$(pkcs11-tool --module "$MODULE" --token-label jpki-flow -l --pin 4711 -O --type privkey 2> /dev/null | grep -c '^Private Key Object')"
    anchors
    for a in sign auth; do
        { cat "$W/$a-ca.pem"; crl_pem $a/ca.crl; } > "$W/all.pem"
        check "$point: $a verifies with its list" openssl verify -check_ss_sig -crl_check_all -CAfile "$W/all.pem" "$W/$a-ca.pem"
    done
    coherent "$point"
done

check "identity" identity ca 000000 authority
check "identity" identity node-national 000000 national
for point in identity.after_key ca.after_record ca.after_sign ca.after_issued identity.after_order; do
    rm -rf "$W/officer"
    before=$(count ops certificates)
    code=0
    JPKI_FAULT=$point identity desk-officer 462012 officer > "$W/said" 2>&1 || code=$?
    same "$point: killed" 137 "$code"
    check "$point: repeated" identity desk-officer 462012 officer
    same "$point: one certificate" $((before + 1)) "$(count ops certificates)"
    coherent "$point"
done

# --- issuance: each point at a municipality that has no list yet, so that the first list is in the matrix ---------------------
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
cell() { # authority point number: enrol with the fault, again without
    before=$(count "$1" certificates)
    request_file "enrol-$3" 462012 319800217 20350217145959Z
    JPKI_FAULT=$2 start || fail "$2: the server does not start"
    ! ir "$1" "$W/holder.key" "$W/holder.pem" > "$W/said" 2>&1 || fail "$2: the client saw nothing"
    dead "$2"
    check "$2: started again" start
    check "$2: asked again" ir "$1" "$W/holder.key" "$W/holder.pem"
    SERIAL=$(serial "$W/holder.pem")
    same "$2: active" active "$(state "$1" "$SERIAL")"
    same "$2: one certificate" $((before + 1)) "$(count "$1" certificates)"
    { cat "$W/$1-ca.pem"; crl_pem "$1/ca.crl"; crl_pem "$1/$PLACE.crl"; } > "$W/all.pem"
    check "$2: path and lists" openssl verify -crl_check_all -CAfile "$W/all.pem" "$W/holder.pem"
    coherent "$2"
}
PLACE=Kagoshima-ken/Kagoshima-shi
N=0
for point in $LIST_POINTS; do # the first list of the municipality: forget it between the cells
    N=$((N + 1))
    cell auth "$point" $N
    stop
    rows "DELETE FROM lists WHERE list LIKE '4%'"
    rm -rf "$W/ca/publication/auth/Kagoshima-ken" "$W"/ca/lists/auth/4* "$W"/ca/publisher/auth-4*
done
for point in $ISSUE_POINTS; do
    for authority in sign auth; do
        [ -z "$BOOK" ] || [ $authority = auth ] || continue
        N=$((N + 1))
        cell $authority "$point" $N
        stop
    done
done

# --- revocation: by the desk, and by an event of the registry -----------------------------------------------------------------
EVENT=0
event() {
    call national POST /v1/events "{\"sequence\":$EVENT,\"event\":\"removed\",\"time\":\"2026-11-23T09:30:00Z\",\"certificates\":[{\"authority\":\"auth\",\"serial\":\"$SERIAL\"}]}" | tail -n 1
}
for point in $REVOKE_POINTS; do
    N=$((N + 1))
    request_file "enrol-$N" 462012 319800217 20350217145959Z
    check "$point: serve" start
    check "$point: a certificate" ir auth "$W/holder.key" "$W/holder.pem"
    SERIAL=$(serial "$W/holder.pem")
    stop
    JPKI_FAULT=$point start || fail "$point: the server does not start"
    cmp officer auth -cmd rr -oldcert "$W/holder.pem" -revreason 1 > "$W/said" 2>&1 || true
    dead "$point"
    check "$point: started again" start
    check "$point: asked again" cmp officer auth -cmd rr -oldcert "$W/holder.pem" -revreason 1
    same "$point: revoked" revoked "$(state auth "$SERIAL")"
    check "$point: listed" soon on_list auth "$SERIAL"
    same "$point: revoked once" 1 "$(rows "SELECT COUNT(*) FROM audit WHERE action = 'revoked' AND subject = 'auth $SERIAL'")"
    coherent "$point"
    stop
done
for point in $EVENT_POINTS; do
    N=$((N + 1))
    EVENT=$((EVENT + 1))
    request_file "enrol-$N" 462012 319800217 20350217145959Z
    check "$point: serve" start
    check "$point: a certificate" ir auth "$W/holder.key" "$W/holder.pem"
    SERIAL=$(serial "$W/holder.pem")
    stop
    JPKI_FAULT=$point start || fail "$point: the server does not start"
    event > "$W/said" 2>&1 || true
    dead "$point"
    check "$point: started again" start
    same "$point: the event again" 200 "$(event)"
    same "$point: revoked" revoked "$(state auth "$SERIAL")"
    check "$point: listed" soon on_list auth "$SERIAL"
    same "$point: revoked once" 1 "$(rows "SELECT COUNT(*) FROM audit WHERE action = 'revoked' AND subject = 'auth $SERIAL'")"
    coherent "$point"
    stop
done
# everything ever revoked is on the last list, by count
same "no revocation lost" "$(rows "SELECT COUNT(*) FROM certificates WHERE authority = 'auth' AND revoked_at IS NOT NULL")" \
    "$(openssl crl -inform DER -in "$W/ca/publication/auth/$PLACE.crl" -noout -text | grep -c 'Serial Number:')"
echo "$CHECKS checks"
