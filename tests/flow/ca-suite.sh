#!/bin/sh
# ca-suite.sh — the next suite, P-384 with SHA-384, end to end: founding in the token, enrolment by openssl's client, lists, OCSP,
# renewal window, and a document's verdict.
. "$(dirname "$0")/ca-world.sh"

token
code=0
found --suite p-256 > "$W/said" 2>&1 || code=$?
same "a suite that is none is used wrongly" 2 "$code"
check "founding" found --suite p-384 --operations p-384
anchors
for a in sign auth; do
    openssl x509 -in "$W/$a-ca.pem" -noout -text > "$W/ca.txt"
    grep -q "Signature Algorithm: ecdsa-with-SHA384" "$W/ca.txt" || fail "$a: signature"
    grep -q "NIST CURVE: P-384" "$W/ca.txt" || fail "$a: key"
    years=$(($(date -u -d "$(openssl x509 -in "$W/$a-ca.pem" -noout -enddate | sed 's/notAfter=//')" +%Y) - $(date -u +%Y)))
    same "$a: twenty years" 20 "$years"
done
openssl x509 -in "$W/ops-ca.pem" -noout -text | grep -q "Signature Algorithm: ecdsa-with-SHA384" || fail "operations"
check "identity" identity ca 000000 authority
check "identity" identity desk-officer 462012 officer
check "serve" start
check "the responder" start_ocsp
openssl x509 -in "$W/officer/cert.pem" -noout -text | grep -q "NIST CURVE: P-384" || fail "an officer's key"
for k in one two; do openssl ecparam -genkey -name secp384r1 -noout -out "$W/$k.key"; done
openssl ecparam -genkey -name prime256v1 -noout -out "$W/p256.key"
openssl genrsa -out "$W/rsa.key" 2048 2> /dev/null
request_file enrol-1 462012 319800217 20500217145959Z
refuse_words "an RSA key" "not a point on the named curve P-384" ir auth "$W/rsa.key" "$W/no.pem"
refuse_words "a key on P-256" "not a point on the named curve P-384" ir auth "$W/p256.key" "$W/no.pem"
check "authentication" ir auth "$W/one.key" "$W/auth.pem"
check "signature" ir sign "$W/two.key" "$W/sign.pem"
year=$(($(date -u +%Y) + 10))
[ "$(date -u +%m%d)" -lt 0217 ] && year=$((year - 1))
same "to a month after the tenth birthday" "Mar 17 14:59:59 $year GMT" "$(openssl x509 -in "$W/sign.pem" -noout -enddate | sed 's/notAfter=//')"
minor=$(($(date -u +%Y) - 16))
request_file enrol-2 462012 "5${minor}0101" 20500217145959Z
check "somebody of fifteen or sixteen" ir auth "$W/one.key" "$W/minor.pem"
same "to the fifth" "$(($(date -u +%Y) + 5))" "$(date -u -d "$(openssl x509 -in "$W/minor.pem" -noout -enddate | sed 's/notAfter=//')" +%Y)"
for a in sign auth; do
    { cat "$W/$a-ca.pem"; crl_pem $a/ca.crl; crl_pem $a/Kagoshima-ken/Kagoshima-shi.crl; } > "$W/$a-all.pem"
    check "$a: path and lists" openssl verify -crl_check_all -x509_strict -policy_check -policy anyPolicy -CAfile "$W/$a-all.pem" "$W/$a.pem"
    openssl crl -inform DER -in "$W/ca/publication/$a/Kagoshima-ken/Kagoshima-shi.crl" -noout -text | grep -q "ecdsa-with-SHA384" || fail "$a: the list's signature"
done
for a in sign auth; do foreign $a; done
for a in sign auth; do openssl x509 -in "$W/ca/ocsp/$a.pem" -out "$W/$a-ocsp.pem"; done
ask auth "$W/auth.pem" -respout "$W/answer.der" || fail "no answer to keep"
lint_all "$W/sign-ocsp.pem" "$W/auth-ocsp.pem" "$W/answer.der"
says "good by OCSP" "auth.pem: good" auth "$W/auth.pem"
verified "OCSP"
openssl x509 -in "$W/ca/ocsp/auth.pem" -noout -text | grep -q "NIST CURVE: P-384" || fail "the responder's key"

# --- a document, signed by openssl with the holder's key, judged by jpki verify ---------------------------------------------------
echo "届出書" > "$W/document.txt"
check "openssl signs" openssl cms -sign -binary -md sha384 -in "$W/document.txt" -signer "$W/sign.pem" -inkey "$W/two.key" -outform DER -out "$W/document.txt.p7s"
verdict() { "$JPKI" verify --trust "$W/sign-ca.pem" --crl-folder "$W/ca/publication" --no-registry "$W/document.txt.p7s"; }
check "valid" verdict
check "the desk revokes" cmp officer sign -cmd rr -oldcert "$W/sign.pem" -revreason 1
for _ in $(seq 600); do ! verdict > "$W/said" 2>&1 || { sleep 0.1; continue; }; break; done
refuse "revoked" verdict
grep -q "REVOKED" "$W/said" || fail "the verdict is not REVOKED"
says "revoked by OCSP" "sign.pem: revoked" sign "$W/sign.pem"
stop_ocsp
stop
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
