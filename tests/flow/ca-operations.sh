#!/bin/sh
# ca-operations.sh — the operations authority gets a P-384 key: who has a certificate of either key reaches who has one of the
# other, once the published links have told them; nobody is led to a key that the old one did not sign for.
. "$(dirname "$0")/ca-world.sh"

founded administrator 000000 admin
for p in a b; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$W/$p.key" 2> /dev/null
    openssl pkey -in "$W/$p.key" -pubout -out "$W/$p.pem"
done
printf '{"ceremony":"rekey","authority":"ops","suite":"p-384","hsm":"pkcs11:token=jpki-flow?module-path=%s&pin-source=file:%s","persons":[{"name":"A","role":"administrator","key":"a.pem"},{"name":"B","role":"witness","key":"b.pem"}]}' \
    "$MODULE" "$W/pin" > "$W/rekey"
check "a P-384 key" "$JPKI_CA" ceremony --state "$W/ca" --script "$W/rekey" --unattended
PUBLIC=$W/ca/publication
for c in ca ca-1 links/2-new-with-old links/2-old-with-new; do
    check "$c" "$JPKI_CA" lint "$PUBLIC/ops/$c.cer"
done
openssl x509 -inform DER -in "$PUBLIC/ops/ca.cer" -noout -text | grep -q "ecdsa-with-SHA384" || fail "the new key's suite"

# --- whoever gets an identity now trusts both; serve brings its own up to date ------------------------------------------------------------
check "an officer of the new key" identity desk-officer 462012 fresh
same "who trusts both" 2 "$(grep -c BEGIN "$W/fresh/ca.pem")"
openssl x509 -in "$W/fresh/cert.pem" -noout -text | grep -q "NIST CURVE: P-384" || fail "an officer's key"
same "as serve does not yet" 1 "$(grep -c BEGIN "$W/authority/ca.pem")"
check "serve, with a certificate of the old key" start
same "now it does" 2 "$(grep -c BEGIN "$W/authority/ca.pem")"
reach() { curl -sS --cacert "$W/$1/ca.pem" --cert "$W/$1/cert.pem" --key "$W/$1/key.pem" -o "$W/said" "https://localhost:$PORT/v1/health"; }
check "an officer of the old key" reach officer
check "an officer of the new key" reach fresh
openssl genrsa -out "$W/one.key" 2048 2> /dev/null
request_file enrol-1 462012 319800217 20350217145959Z
check "CMP protected with P-384" cmp fresh auth -cmd ir -newkey "$W/one.key" -subject /CN=request -reqexts ext -certout "$W/auth.pem" -out_trusted "$W/auth-ca.pem"
stop

# --- the server gets a certificate of the new key: old folders must learn of it ---------------------------------------------------------
rm -r "$W/authority"
check "the authorities' own" identity ca 000000 authority
check "serve, with a certificate of the new key" start
curl_fails() { ! reach "$1"; }
check "who trusts the old key only is locked out" curl_fails officer
bring() { "$JPKI_CA" anchors --publication "$PUBLIC" "$@"; }
cp "$W/officer/ca.pem" "$W/before.pem"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=another -keyout "$W/other.key" -out "$W/other.pem" 2> /dev/null
cp -r "$W/officer" "$W/stranger"
cp "$W/other.pem" "$W/stranger/ca.pem"
refuse "trust in another authority leads nowhere" bring "$W/stranger"
grep -q "no link leads" "$W/said" || fail "refused otherwise: $(cat "$W/said")"
same "and is left as it is" "$(cat "$W/other.pem")" "$(cat "$W/stranger/ca.pem")"
cp -r "$PUBLIC" "$W/false"
cp "$W/false/ops/links/2-old-with-new.cer" "$W/false/ops/links/2-new-with-old.cer"
refuse "a link of the wrong way" "$JPKI_CA" anchors --publication "$W/false" "$W/officer"
openssl x509 -in "$W/other.pem" -outform DER -out "$W/false/ops/ca.cer"
refuse "a certificate that no profile has" "$JPKI_CA" anchors --publication "$W/false" "$W/officer"
refuse "no publication" "$JPKI_CA" anchors --publication "$W/nowhere" "$W/officer"
same "nothing has changed" "$(cat "$W/before.pem")" "$(cat "$W/officer/ca.pem")"
check "brought up to date" bring "$W/officer" "$W/admin"
same "both" 2 "$(grep -c "brought up to date" "$W/said")"
check "again" bring "$W/officer" "$W/fresh"
same "changes nothing" 2 "$(grep -c ": up to date" "$W/said")"
check "the officer of the old key reaches the server of the new one" reach officer
same "with both to trust, the newest first" "$(openssl x509 -inform DER -in "$PUBLIC/ops/ca.cer" -noout -fingerprint)" "$(openssl x509 -in "$W/officer/ca.pem" -noout -fingerprint)"
stop

# --- seals of both keys ---------------------------------------------------------------------------------------------------------------------
check "a seal" "$JPKI_CA" audit-seal --state "$W/ca"
openssl x509 -inform DER -in "$PUBLIC/ops/ca.cer" -noout -pubkey > "$W/ops.pub"
check "openssl verifies it" openssl dgst -sha384 -verify "$W/ops.pub" -signature "$PUBLIC/audit/head.sig" "$PUBLIC/audit/head"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
check "the list of operations" "$JPKI_CA" lint "$PUBLIC/ops/ca.crl"
echo "$CHECKS checks"
