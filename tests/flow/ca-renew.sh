#!/bin/sh
# ca-renew.sh — renewal by openssl's kur: only in the last three months, to the sixth birthday, the old certificate
# superseded when the new one is confirmed and not before.
. "$(dirname "$0")/ca-world.sh"

founded desk-officer 131016 stranger
for k in one two three; do openssl genrsa -out "$W/$k.key" 2048 2> /dev/null; done
check "serve" start
soon=$(date -u -d '+30 days' +%m%d)  # the next birthday
[ "$soon" != 0229 ] || soon=0228
birth=31980$soon
last=$(date -u -d '+60 days' +%Y%m%d)145959Z # a card of sixty more days: the certificate is in its last three months
long=$(date -u -d '+3000 days' +%Y%m%d)145959Z
next=$(($(date -u -d '+30 days' +%Y) + 5)) # five years from the next birthday: the sixth
request_file enrol-1 462012 "$birth" "$last"
check "a certificate near its end" ir auth "$W/one.key" "$W/old.pem"
OLD=$(serial "$W/old.pem")
request_file enrol-2 462012 "$birth" "$long"
check "and one at its beginning" ir auth "$W/three.key" "$W/young.pem"
kur() { # officer key certout old arguments …
    who=$1 key=$2 out=$3 old=$4
    shift 4
    cmp "$who" auth -cmd kur -newkey "$key" -subject /CN=request -oldcert "$old" -reqexts ext -certout "$out" \
        -out_trusted "$W/auth-ca.pem" "$@"
}
says() { grep -q "$1" "$W/said" || fail "does not say '$1': $(grep -i 'fail\|error' "$W/said" | tail -n 3)"; }
request_file renew-1 462012 "$birth" "$long"
refuse "too early" kur officer "$W/two.key" "$W/no.pem" "$W/young.pem"
says "last three months"
request_file renew-1 131016 "$birth" "$long"
refuse "another municipality's officer" kur stranger "$W/two.key" "$W/no.pem" "$W/old.pem"
says "another municipality"
request_file renew-1 462012 "$birth" "$long"
refuse "another authority's certificate" kur officer "$W/two.key" "$W/no.pem" "$W/officer/cert.pem"
says "another authority"
same "nothing was issued" 2 "$(count auth certificates)"

check "renewed, not confirmed yet" kur officer "$W/two.key" "$W/new.pem" "$W/old.pem" -disable_confirm
NEW=$(serial "$W/new.pem")
same "the sixth birthday" "$next$soon" "$(date -u -d "$(openssl x509 -in "$W/new.pem" -noout -enddate | sed 's/notAfter=//')" +%Y%m%d)"
same "the old one still counts" "active pending" "$(state auth "$OLD") $(state auth "$NEW")"
stop
if [ -n "${JPKI_FAULTS:-}" ]; then
    for point in ca.before_confirm store.before_commit; do # the first commit is the confirmation
        JPKI_FAULT=$point start || fail "serve"
        ! kur officer "$W/two.key" "$W/new.pem" "$W/old.pem" > "$W/said" 2>&1 || fail "$point: the client saw nothing"
        wait "$PID" 2> /dev/null || true
        PID=
        same "$point: both or none" "active pending" "$(state auth "$OLD") $(state auth "$NEW")"
    done
fi
check "serve again" start
check "the same renewal, confirmed" kur officer "$W/two.key" "$W/again.pem" "$W/old.pem"
same "gave the same certificate" "$NEW" "$(serial "$W/again.pem")"
same "the new one counts, the old one is over" "revoked active" "$(state auth "$OLD") $(state auth "$NEW")"
listed() { openssl crl -inform DER -in "$W/ca/publication/auth/Kagoshima-ken/Kagoshima-shi.crl" -noout -text | grep -A4 "Serial Number: $OLD" | grep -q Superseded; }
for _ in $(seq 600); do ! listed || break; sleep 0.1; done
check "superseded on the list" listed
request_file renew-2 462012 "$birth" "$long"
refuse "a superseded certificate again" kur officer "$W/three.key" "$W/no.pem" "$W/old.pem"
says "not active"
refuse "a request for its status" cmp officer auth -cmd genm
stop
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
