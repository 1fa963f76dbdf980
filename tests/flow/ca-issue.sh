#!/bin/sh
# ca-issue.sh — the authorities against openssl's programs: founding, CMP enrolment, revocation, lists, events, audit.
. "$(dirname "$0")/ca-world.sh"

# --- founding ---------------------------------------------------------------------------------------------------------
token
chmod 644 "$W/pin"
refuse "a PIN file that others may read" found
chmod 600 "$W/pin"
check "founding" found
refuse "founding twice" found
grep -q "founded already" "$W/said" || fail "the second founding says something else"
anchors
for a in sign auth; do
    check "$a: self-signed certificate verifies, with its own list" openssl verify -check_ss_sig -x509_strict -CAfile "$W/$a-ca.pem" "$W/$a-ca.pem"
    text=$(openssl x509 -in "$W/$a-ca.pem" -noout -text)
    same "$a: extensions in order" "Key Usage: critical|Subject Alternative Name: |Basic Constraints: critical|CRL Distribution Points: |Subject Key Identifier: |" \
        "$(echo "$text" | sed -n '/extensions:$/d; s/^ *X509v3 //p' | tr '\n' '|')"
    echo "$text" | grep -q "Public-Key: (2048 bit)" || fail "$a: key size"
    same "$a: ends at 23:59:59 in Japan" "14:59:59" "$(openssl x509 -in "$W/$a-ca.pem" -noout -enddate | awk '{print $3}')"
done
same "the signature authority's name" "C = JP, O = JPKI-TEST, OU = JPKI for digital signature, OU = Japan Agency for Local Authority Information Systems" \
    "$(openssl x509 -in "$W/sign-ca.pem" -noout -subject | sed 's/subject=//')"
same "three private keys in the token, never extractable" 3 \
    "$(pkcs11-tool --module "$MODULE" --token-label jpki-flow -l --pin 4711 -O --type privkey 2> /dev/null | grep -c 'Access:.*never extractable')"
check "an identity of the authority" identity ca 000000 authority
check "an officer of Kagoshima" identity desk-officer 462012 officer
check "an officer of Chiyoda" identity desk-officer 131016 stranger
check "the national node" identity node-national 000000 national
check "a verifier" identity verifier 000000 verifier
check "a node that other machines reach" "$JPKI_CA" identity --state "$W/ca" --role node-prefectural --municipality 460001 --name kagoshima-ken \
    --dns node.example.jp,10.77.0.9,fd00::9 --out "$W/prefecture"
for host in "hostname node.example.jp" "hostname localhost" "ip 10.77.0.9" "ip fd00::9" "ip 127.0.0.1"; do
    check "its certificate names $host" openssl verify -purpose sslserver -verify_${host% *} "${host#* }" -CAfile "$W/ops-ca.pem" "$W/prefecture/cert.pem"
done
refuse "a prefecture's node of a municipality" identity node-prefectural 462012 wrong-prefecture
refuse "a certificate for all hosts" "$JPKI_CA" identity --state "$W/ca" --role node-national --name wild --dns '*.example.jp' --out "$W/wild"
check "a municipality's seal" identity document-seal 462012 kagoshima-seal
check "it is for documents" sh -c "openssl x509 -in '$W/kagoshima-seal/cert.pem' -noout -text | grep -q '1.3.6.1.5.5.7.3.36, E-mail Protection'"
check "and for no TLS" sh -c "! openssl verify -purpose sslclient -CAfile '$W/ops-ca.pem' '$W/kagoshima-seal/cert.pem'"
check "a time-stamping authority" identity time-stamp 000000 stamper
refuse "an identity twice" identity desk-officer 462012 officer
refuse "a role that is none" identity minister 000000 minister
refuse "a municipality that is none" identity desk-officer 999999 nowhere
same "key.pem is private" 600 "$(stat -c %a "$W/officer/key.pem")"
check "time-stamping certificate is fit for it" openssl verify -purpose timestampsign -CAfile "$W/ops-ca.pem" "$W/stamper/cert.pem"
check "server certificate" openssl verify -purpose sslserver -verify_hostname localhost -CAfile "$W/ops-ca.pem" "$W/authority/cert.pem"

# --- enrolment by a client that is not ours -----------------------------------------------------------------------------
check "serve" start
for k in one two three; do openssl genrsa -out "$W/$k.key" 2048 2> /dev/null; done
request_file enrol-1 462012 319800217 20350217145959Z
check "ir and certConf, authentication" ir auth "$W/one.key" "$W/auth.pem"
AUTH=$(serial "$W/auth.pem")
same "active once confirmed" active "$(state auth "$AUTH")"
request_file enrol-1 462012 319800217 20350217145959Z 20280630145959Z
check "ir and certConf, signature" ir sign "$W/two.key" "$W/sign.pem"
SIGN=$(serial "$W/sign.pem")
same "serial numbers have four bytes" 8 ${#SIGN}
same "capped by the other certificate" "notAfter=Jun 30 14:59:59 2028 GMT" "$(openssl x509 -in "$W/sign.pem" -noout -enddate)"
same "signature certificate: extensions in order" "Key Usage: critical|Subject Alternative Name: |Certificate Policies: critical|Issuer Alternative Name: |CRL Distribution Points: |Authority Key Identifier: |Subject Key Identifier: |" \
    "$(openssl x509 -in "$W/sign.pem" -noout -text | sed -n '/extensions:$/d; s/^ *X509v3 //p' | tr '\n' '|')"
openssl x509 -in "$W/sign.pem" -noout -text | grep -q "8.5.5.1::試験　花子" || fail "the name is not in the certificate"
! openssl x509 -in "$W/auth.pem" -noout -text | grep -q "花子" || fail "the name is in the authentication certificate"
openssl x509 -in "$W/auth.pem" -noout -subject | grep -qE "^subject=C = JP, CN = [0-9A-Z]{14}46201003A$" || fail "authentication subject"

for a in sign auth; do
    { cat "$W/$a-ca.pem"; crl_pem $a/ca.crl; crl_pem $a/Kagoshima-ken/Kagoshima-shi.crl; } > "$W/$a-all.pem"
    check "$a: path and lists" openssl verify -crl_check_all -x509_strict -policy_check -policy anyPolicy -CAfile "$W/$a-all.pem" "$W/$a.pem"
    check "$a: list verifies" openssl crl -inform DER -in "$W/ca/publication/$a/Kagoshima-ken/Kagoshima-shi.crl" -CAfile "$W/$a-ca.pem" -noout
done
openssl crl -inform DER -in "$W/ca/publication/sign/Kagoshima-ken/Kagoshima-shi.crl" -noout -text > "$W/crl.txt"
grep -q "Issuing Distribution Point: critical" "$W/crl.txt" || fail "the list has no critical scope"
grep -q "X509v3 CRL Number" "$W/crl.txt" || fail "the list has no number"
same "the publication is readable" 755 "$(stat -c %a "$W/ca/publication/sign/Kagoshima-ken")"

# --- the same again, and what must not be -----------------------------------------------------------------------------------
check "the same request again" ir sign "$W/two.key" "$W/again.pem"
same "gets the same certificate" "$SIGN" "$(serial "$W/again.pem")"
refuse "the same request with another key" ir sign "$W/three.key" "$W/no.pem"
same "nothing was issued for it" 1 "$(count sign certificates)"
request_file enrol-2 131016 319800217 20350217145959Z
refuse "another municipality than the officer's" ir sign "$W/three.key" "$W/no.pem"
request_file enrol-3 462012 520200401 20350217145959Z
refuse "a signature certificate for a child" ir sign "$W/three.key" "$W/no.pem"
request_file enrol-3 462012 319800217 20350217145959Z
printf 'ward=EXPLICIT:1,BOOLEAN:TRUE\n' >> "$W/req.cnf"
refuse "a signature certificate for an adult ward" ir sign "$W/three.key" "$W/no.pem"
grep -q "adult ward" "$W/said" || fail "refused otherwise: $(tail -n 3 "$W/said")"
request_file enrol-4 462012 319800217 20200217145959Z
refuse "a card that is over" ir sign "$W/three.key" "$W/no.pem"
request_file enrol-5 462012 319800217 20350217145959Z
openssl genrsa -out "$W/weak.key" 1024 2> /dev/null
refuse "a weak key" ir auth "$W/weak.key" "$W/no.pem"
refuse "no proof of possession" ir auth "$W/three.key" "$W/no.pem" -popo -1
refuse "proof left to the desk" ir auth "$W/three.key" "$W/no.pem" -popo 0
refuse "protection by a password" ir auth "$W/three.key" "$W/no.pem" -ref 1 -secret pass:guess
refuse "no protection" ir auth "$W/three.key" "$W/no.pem" -unprotected_requests
refuse "no attributes" cmp officer auth -cmd ir -newkey "$W/three.key" -subject /CN=request -certout "$W/no.pem"
refuse "a message of kind genm" cmp officer auth -cmd genm -infotype signKeyPairTypes
refuse "a verifier asks" cmp verifier auth -cmd ir -newkey "$W/three.key" -subject /CN=request -reqexts ext -certout "$W/no.pem"
mixed() {
    openssl cmp -config "$W/req.cnf" -section cmp -verbosity 3 -server "localhost:$PORT" -path cmp/auth -tls_used \
        -tls_cert "$W/officer/cert.pem" -tls_key "$W/officer/key.pem" -tls_trusted "$W/ops-ca.pem" -trusted "$W/ops-ca.pem" \
        -recipient /CN=authority -cert "$W/stranger/cert.pem" -key "$W/stranger/key.pem" -cmd ir -newkey "$W/three.key" \
        -subject /CN=request -reqexts ext -certout "$W/no.pem"
}
refuse "signed by another officer than the one who is connected" mixed
same "still nothing issued" 1 "$(count auth certificates)"

# --- pending, rejected, resumed after a restart -------------------------------------------------------------------------------
check "an ir that is never confirmed" ir auth "$W/three.key" "$W/pending.pem" -disable_confirm
PENDING=$(serial "$W/pending.pem")
same "stays pending" pending "$(state auth "$PENDING")"
stop
check "serve again" start
check "asked again it is confirmed" ir auth "$W/three.key" "$W/pending2.pem"
same "the same certificate" "$PENDING" "$(serial "$W/pending2.pem")"
same "active now" active "$(state auth "$PENDING")"
request_file enrol-6 462012 319800217 20350217145959Z
refuse "the client does not trust what it got" ir auth "$W/three.key" "$W/no.pem" -out_trusted "$W/sign-ca.pem"
same "a rejecting certConf revokes" 1 "$(count auth revoked)"

# a recorded exchange: the answers of one server process, a certConf to the next
request_file enrol-7 462012 319800217 20350217145959Z
check "an exchange is recorded" ir auth "$W/one.key" "$W/seven.pem" -reqout "$W/ir.der,$W/conf.der"
post() { # file → HTTP status
    curl -sS --cacert "$W/ops-ca.pem" --cert "$W/$2/cert.pem" --key "$W/$2/key.pem" -H "Content-Type: application/pkixcmp" \
        --data-binary "@$1" -o "$W/answer.der" -w '%{http_code}' "https://localhost:$PORT/cmp/auth"
}
before=$(count auth certificates)
same "a replayed ir is answered" 200 "$(post "$W/ir.der" officer)"
grep -q "transaction is known already" "$W/answer.der" || fail "a replayed ir is not refused"
same "and issues nothing" "$before" "$(count auth certificates)"
stop
check "serve a third time" start
same "a certConf whose answer was lost, after a restart" 200 "$(post "$W/conf.der" officer)"
same "another officer's replay" 403 "$(post "$W/conf.der" stranger)"
head -c 200 "$W/ir.der" > "$W/cut.der"
same "a cut message" 400 "$(post "$W/cut.der" officer)"
head -c 70000 /dev/zero > "$W/big.der"
same "a message that is too long" 413 "$(post "$W/big.der" officer)"

# --- revocation -----------------------------------------------------------------------------------------------------------
refuse "another municipality's officer revokes" cmp stranger auth -cmd rr -oldcert "$W/seven.pem" -revreason 1
refuse "through the other authority" cmp officer sign -cmd rr -oldcert "$W/seven.pem" -revreason 1
SEVEN=$(serial "$W/seven.pem")
same "still active" active "$(state auth "$SEVEN")"
check "the desk revokes" cmp officer auth -cmd rr -oldcert "$W/seven.pem" -revreason 5
check "the same again" cmp officer auth -cmd rr -oldcert "$W/seven.pem" -revreason 5
refuse "with another reason" cmp officer auth -cmd rr -oldcert "$W/seven.pem" -revreason 1
listed() { # path serial
    for _ in $(seq 600); do
        ! openssl crl -inform DER -in "$W/ca/publication/$1" -noout -text | grep -q "Serial Number: $2" || return 0
        sleep 0.1
    done
    return 1
}
check "on the list within seconds" listed auth/Kagoshima-ken/Kagoshima-shi.crl "$SEVEN"
event() { # sequence event authority serial
    call "${5:-national}" POST /v1/events "{\"sequence\":$1,\"event\":\"$2\",\"time\":\"2026-11-23T09:30:00Z\",\"certificates\":[{\"authority\":\"sign\",\"serial\":\"$SIGN\"},{\"authority\":\"auth\",\"serial\":\"$AUTH\"}]}"
}
same "an event out of turn" '"expected":1' "$(event 2 attributes-changed | grep -o '"expected":1')"
same "from an officer" 403 "$(event 1 attributes-changed x x officer | tail -n 1)"
same "the resident moved" '{"sequence":1} 200' "$(event 1 attributes-changed | tr '\n' ' ')"
same "the signature certificate ends" revoked "$(state sign "$SIGN")"
same "the authentication certificate stays" active "$(state auth "$AUTH")"
same "known events are answered again" '{"sequence":1} 200' "$(event 1 card-lost | tr '\n' ' ')"
same "without effect" active "$(state auth "$AUTH")"
same "an event that is none" 400 "$(event 2 moon | tail -n 1)"
check "on the list within seconds" listed sign/Kagoshima-ken/Kagoshima-shi.crl "$SIGN"
openssl crl -inform DER -in "$W/ca/publication/sign/Kagoshima-ken/Kagoshima-shi.crl" -noout -text | grep -q "Affiliation Changed" || fail "the reason"
{ cat "$W/sign-ca.pem"; crl_pem sign/ca.crl; crl_pem sign/Kagoshima-ken/Kagoshima-shi.crl; } > "$W/sign-all.pem"
code=0
openssl verify -crl_check_all -CAfile "$W/sign-all.pem" "$W/sign.pem" > "$W/said" 2>&1 || code=$?
grep -q "certificate revoked" "$W/said" || fail "openssl does not see the revocation"
call officer GET "/v1/certificates/sign/$SIGN" | grep -q '"reason":"affiliationChanged"' || fail "the certificate's answer"
same "another municipality's certificate" 404 "$(call stranger GET "/v1/certificates/sign/$SIGN" | tail -n 1)"
call verifier GET /v1/health | grep -q '"event":1' || fail "health"
OPS=$(serial "$W/stranger/cert.pem")
check "an operator revokes an officer" "$JPKI_CA" revoke --state "$W/ca" --authority ops --serial "$OPS" --reason keyCompromise
same "who is refused at once" 403 "$(call stranger GET /v1/health | tail -n 1)"

# --- numbers rise, nothing is lost, the trail holds -----------------------------------------------------------------------------
old=$((0x$(number sign/Kagoshima-ken/Kagoshima-shi.crl)))
check "all lists anew" "$JPKI_CA" crl --state "$W/ca"
rises sign/Kagoshima-ken/Kagoshima-shi.crl "$old" || fail "the number did not rise"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
# the signer dies: the next request starts it anew
kill -9 "$(signer)" || fail "there was no signer"
request_file enrol-8 462012 319800217 20350217145959Z
ir auth "$W/two.key" "$W/eight.pem" > "$W/said" 2>&1 || check "after the signer's death" ir auth "$W/two.key" "$W/eight.pem"
request_file enrol-9 462012 319800217 20350217145959Z
check "one more that is never confirmed" ir sign "$W/three.key" "$W/nine.pem" -disable_confirm
NINE=$(serial "$W/nine.pem")
stop
rm -rf "$W/ca/publication/sign"
check "serve with a lost publication" start
soon test -f "$W/ca/publication/sign/Kagoshima-ken/Kagoshima-shi.crl" || fail "the publication did not come back"
stop
# a day and more later: every list is issued again; unconfirmed certificates go
export JPKI_CLOCK=+90000
old=$((0x$(number auth/ca.crl)))
check "serve a day later" start
soon rises auth/ca.crl "$old" || fail "the list is not issued daily"
same "not confirmed in time" revoked "$(state sign "$NINE")"
check "on the list" listed sign/Kagoshima-ken/Kagoshima-shi.crl "$NINE"
stop
unset JPKI_CLOCK
rows "UPDATE audit SET detail = 'nothing' WHERE sequence = 5"
refuse "a changed trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
