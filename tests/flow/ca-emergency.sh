#!/bin/sh
# ca-emergency.sh — what must never happen to an authority, each as a row: the HSM goes away and comes back under a running signer,
# the clock jumps back and forth, two serve at once, several issue at once, and a key that is in other hands.
. "$(dirname "$0")/ca-world.sh"

WORDS_IN=$W/log # the client or the log

founded
check "serve" start
check "the responder" start_ocsp
for k in one two; do openssl genrsa -out "$W/$k.key" 2048 2> /dev/null; done
request_file enrol-1 462012 319800217 20350217145959Z
check "a certificate" ir auth "$W/one.key" "$W/auth.pem"

# --- the HSM ------------------------------------------------------------------------------------------------------------------
signers() { pgrep -P "$(pgrep -P "$PID" | head -n 1)" jpki-signer | tr '\n' ' '; }
before=$(signers)
mv "$W/tokens" "$W/away"
mkdir "$W/tokens"
request_file enrol-2 462012 319800217 20350217145959Z
refuse "the HSM is away" ir auth "$W/two.key" "$W/no.pem"
refuse "still away" ir auth "$W/two.key" "$W/no.pem"
[ ! -s "$W/no.pem" ] || fail "a certificate without an HSM"
kill -0 "$PID" || fail "the authorities died with the HSM"
says "OCSP goes on without the HSM" "auth.pem: good" auth "$W/auth.pem"
rmdir "$W/tokens"
mv "$W/away" "$W/tokens"
check "the HSM is back: the same request, without a restart" ir auth "$W/two.key" "$W/two.pem"
[ "$before" != "$(signers)" ] || fail "the same signer with a session of before"
same "one certificate of that request" 1 "$(rows "SELECT COUNT(*) FROM certificates WHERE request LIKE '%enrol-2%'")"
same "no number twice" 0 "$(rows 'SELECT COUNT(*) - COUNT(DISTINCT authority || serial) FROM certificates')"

# --- two at once -----------------------------------------------------------------------------------------------------------------
refuse_words "a second serve" "in use" "$JPKI_CA" serve --state "$W/ca" --identity "$W/authority"
racers=
for i in 1 2 3 4; do
    identity verifier 000000 "racer$i" > "$W/racer$i.said" 2>&1 &
    racers="$racers $!"
done
"$JPKI_CA" crl --state "$W/ca" > "$W/crl.said" 2>&1 &
racers="$racers $!"
request_file enrol-3 462012 319800217 20350217145959Z
check "the desk meanwhile" ir auth "$W/one.key" "$W/three.pem"
for racer in $racers; do wait "$racer" || fail "one of four issuing and one publishing beside serve: $(cat "$W"/racer*.said "$W/crl.said")"; done
same "four at once: no number twice" 0 "$(rows 'SELECT COUNT(*) - COUNT(DISTINCT authority || serial) FROM certificates')"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"

# --- the clock ---------------------------------------------------------------------------------------------------------------------
stop_ocsp
stop
check "something that is not sealed yet" identity verifier 000000 more
before=$(rows 'SELECT COUNT(*) FROM audit')
lists=$(rows 'SELECT SUM(number) FROM lists')
export JPKI_CLOCK=-7200
refuse_words "two hours back: no certificate" "stands before the last record" identity verifier 000000 early
refuse_words "two hours back: no list" "stands before the last record" "$JPKI_CA" crl --state "$W/ca"
refuse_words "two hours back: no seal" "stands before the last record" "$JPKI_CA" audit-seal --state "$W/ca"
refuse_words "two hours back: no revocation" "stands before the last record" "$JPKI_CA" revoke --state "$W/ca" --authority auth --serial "$(serial "$W/auth.pem")" --reason 1
refuse_words "two hours back: nobody can say that it is right" "stands before the last record" "$JPKI_CA" clock --state "$W/ca" --accept
start_ocsp || fail "the responder"
says "two hours back: no answer" "trylater" auth "$W/auth.pem"
stop_ocsp
export JPKI_CLOCK=+3000000
refuse_words "five weeks ahead: no certificate" "more than 31 days" identity verifier 000000 late
refuse_words "five weeks ahead: no list" "more than 31 days" "$JPKI_CA" crl --state "$W/ca"
same "nothing was written" "$before $lists" "$(rows 'SELECT COUNT(*) FROM audit') $(rows 'SELECT SUM(number) FROM lists')"
unset JPKI_CLOCK
check "the right clock again" identity verifier 000000 right
cp -a "$W/ca" "$W/before"
export JPKI_CLOCK=+3000000
check "somebody says that five weeks are right" "$JPKI_CA" clock --state "$W/ca" --accept
check "then lists are issued" "$JPKI_CA" crl --state "$W/ca"
check "and the trail tells" "$JPKI_CA" audit-verify --state "$W/ca"
same "in a row of its own" 1 "$(rows "SELECT COUNT(*) FROM audit WHERE action = 'clock'")"
unset JPKI_CLOCK
rm -rf "$W/ca"
mv "$W/before" "$W/ca"

# --- an old copy of the book: its numbers were given since -----------------------------------------------------------------------------------
check "identity" identity administrator 000000 admin
check "the same person's second certificate" "$JPKI_CA" identity --state "$W/ca" --role administrator --name admin --municipality 000000 --out "$W/admin2"
check "identity" identity approver 462012 approver
check "identity" identity auditor 000000 auditor
ahead() { "$JPKI_CA" store ahead --state "$W/ca" "$@"; }
check "serve" start
refuse_words "beside serve" "stop it" ahead
stop
cp -a "$W/ca" "$W/before"
check "a copy" "$JPKI_CA" store backup --state "$W/ca" --to "$W/old.db"
for _ in 1 2; do check "lists since" "$JPKI_CA" crl --state "$W/ca"; done
check "a certificate since" identity verifier 000000 since
rm "$W/ca/ca.db"*
check "the old copy" "$JPKI_CA" store restore --state "$W/ca" --from "$W/old.db"
refuse_words "numbers that the world has seen" "jpki-ca store ahead" "$JPKI_CA" crl --state "$W/ca"
code=0
ahead --lists 0 > "$W/said" 2>&1 || code=$?
same "no numbers at all" 2 "$code"
check "two persons" "$JPKI_CA" settings --state "$W/ca" two-persons=on
refuse_words "nobody has signed" "two different officers" ahead
signs() { # officers: their signatures over the text as it is now
    ahead --text > "$W/ahead.txt"
    for o in "$@"; do openssl dgst -sha256 -sign "$W/$o/key.pem" -out "$W/$o.sig" "$W/ahead.txt"; done
}
by() { echo "$(serial "$W/$1/cert.pem")=$W/${2:-$1}.sig"; }
signs admin admin2 approver auditor
refuse_words "one person with two certificates" "two different officers" ahead "$(by admin)" "$(by admin2)"
refuse_words "an auditor" "no valid certificate of an administrator or approver" ahead "$(by admin)" "$(by auditor)"
refuse_words "another's signature" "is not .* signature over this text" ahead "$(by admin)" "$(by approver admin)"
refuse_words "other numbers than were signed" "is not .* signature over this text" ahead --lists 7 "$(by admin)" "$(by approver)"
check "by two persons" ahead "$(by admin)" "$(by approver)"
refuse_words "the same signatures again" "is not .* signature over this text" ahead "$(by admin)" "$(by approver)"
same "the trail tells who" 1 "$(rows "SELECT COUNT(*) FROM audit WHERE action = 'ahead' AND detail LIKE '%$(serial "$W/admin/cert.pem") $(serial "$W/approver/cert.pem")'")"
check "lists are published again" "$JPKI_CA" crl --state "$W/ca"
check "a certificate afterwards" identity verifier 000000 after
[ $((0x$(serial "$W/after/cert.pem"))) -gt $((0x$(serial "$W/since/cert.pem"))) ] || fail "a serial number comes again"
rm -rf "$W/ca"
mv "$W/before" "$W/ca"

# --- a key in other hands ----------------------------------------------------------------------------------------------------------------
check "serve" start
check "the responder" start_ocsp
request_file enrol-4 462012 319800217 20350217145959Z
check "a certificate of the other authority" ir sign "$W/two.key" "$W/sign.pem"
code=0
"$JPKI_CA" compromise --state "$W/ca" --authority auth > "$W/said" 2>&1 || code=$?
same "not without saying really" 2 "$code"
refuse_words "a key that there is not" "has no key 2" "$JPKI_CA" compromise --state "$W/ca" --authority auth --generation 2 --really
if [ -n "${JPKI_FAULTS:-}" ]; then
    code=0
    JPKI_FAULT=ca.after_compromise "$JPKI_CA" compromise --state "$W/ca" --authority auth --really > "$W/said" 2>&1 || code=$?
    same "killed behind the first step" 137 "$code"
fi
check "the procedure" "$JPKI_CA" compromise --state "$W/ca" --authority auth --really
check "the procedure again changes nothing" "$JPKI_CA" compromise --state "$W/ca" --authority auth --really
grep -q "^0 certificates" "$W/said" || fail "more was revoked"
same "all of the authority's certificates" 0 "$(rows "SELECT COUNT(*) FROM certificates WHERE authority = 'auth' AND (revoked_at IS NULL OR reason <> 2)")"
same "none of the others" 0 "$(rows "SELECT COUNT(*) FROM certificates WHERE authority <> 'auth' AND revoked_at IS NOT NULL")"
on_list() { # list, certificate: with that reason; the publisher has the list from the book in its own time
    for _ in $(seq 200); do
        openssl crl -inform DER -in "$W/ca/publication/auth/$1" -noout -text > "$W/list.txt"
        ! grep -A4 "Serial Number: $(serial "$2")$" "$W/list.txt" | grep -q "CA Compromise" || return 0
        sleep 0.05
    done
    return 1
}
on_list ca.crl "$W/auth-ca.pem" || fail "the authority is not on its own list"
on_list Kagoshima-ken/Kagoshima-shi.crl "$W/auth.pem" || fail "the holder's list"
says "by OCSP too" "auth.pem: revoked" auth "$W/auth.pem"
grep -q "cACompromise" "$W/said" || fail "the reason by OCSP"
request_file enrol-5 462012 319800217 20350217145959Z
refuse_words "the key issues nothing more" "issues nothing more" ir auth "$W/one.key" "$W/no.pem"
check "the other authority goes on" ir sign "$W/two.key" "$W/sign2.pem"
stop
printf '{"ceremony":"rekey","authority":"auth","suite":"rsa-2048","hsm":"pkcs11:token=jpki-flow?module-path=%s&pin-source=file:%s","persons":[{"name":"a","role":"x","key":"a.pem"},{"name":"b","role":"x","key":"b.pem"}]}' \
    "$MODULE" "$W/pin" > "$W/rekey"
for p in a b; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$W/$p.key" 2> /dev/null
    openssl pkey -in "$W/$p.key" -pubout -out "$W/$p.pem"
done
check "a new key" "$JPKI_CA" ceremony --state "$W/ca" --script "$W/rekey" --unattended
grep -q "^unattended: nobody has confirmed" "$W/said" || fail "the transcript does not say that it was unattended"
check "serve" start
openssl x509 -inform DER -in "$W/ca/publication/auth/ca.cer" -out "$W/auth-ca.pem"
check "which issues again" ir auth "$W/one.key" "$W/five.pem"
cp "$W/auth-ca.pem" "$W/all.pem"
openssl crl -inform DER -in "$W/ca/publication/auth/ca.crl" >> "$W/all.pem"
check "the list of all that is lost, signed with the new key" openssl crl -in "$W/all.pem" -CAfile "$W/auth-ca.pem" -noout
openssl crl -inform DER -in "$W/ca/publication/auth/ca.crl" -noout -text | grep -c "CA Compromise" > "$W/said"
[ "$(cat "$W/said")" -ge 1 ] || fail "the new key's list does not name the lost one"
stop_ocsp
stop
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
