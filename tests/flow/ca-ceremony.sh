#!/bin/sh
# ca-ceremony.sh — two key ceremonies with two persons each: the founding, and a new key for an authority under its one name. What is
# shown is what is signed; who has not confirmed stops it; lists, OCSP and verdicts for the certificates of both keys.
. "$(dirname "$0")/ca-world.sh"

person() { # name: a key of the person's own, and its public part
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$W/$1.key" 2> /dev/null
    openssl pkey -in "$W/$1.key" -pubout -out "$W/$1.pem"
}
HSM="pkcs11:token=jpki-flow?module-path=$MODULE&pin-source=file:$W/pin"
script() { # file, act and its members [persons]
    people=${3:-"{\"name\":\"Kagi Hanako\",\"role\":\"administrator\",\"key\":\"hanako.pem\"},{\"name\":\"Tate Taro\",\"role\":\"witness\",\"key\":\"taro.pem\"}"}
    printf '{"hsm":"%s",%s,"persons":[%s]}\n' "$HSM" "$2" "$people" > "$W/$1"
}
ceremony() { # script arguments … ; warnings of the processes that it starts are no part of what it says
    file=$1
    shift
    "$JPKI_CA" ceremony --state "$W/ca" --script "$W/$file" "$@" 2> "$W/words" && return 0
    code=$?
    cat "$W/words" >&2
    return $code
}
sign_plan() { openssl dgst -sha256 -sign "$W/$1.key" -out "$W/$1.sig" "$2"; } # name, text
confirmed() { ceremony "$1" --confirm "Kagi Hanako=$W/hanako.sig" --confirm "Tate Taro=$W/taro.sig"; }
keys_in_token() { pkcs11-tool --module "$MODULE" --token-label jpki-flow -l --pin 4711 -O --type privkey 2> /dev/null | grep -c '^Private Key Object' || true; }
tbs_hash() { # certificate file: SHA-256 of its to-be-signed part, by openssl
    openssl asn1parse -inform DER -in "$1" -strparse 4 -noout -out "$W/tbs.der" && sha256sum "$W/tbs.der" | cut -d' ' -f1 | tr a-f A-F
}
planned_hash() { sed -n "/^certificate: [a-z-]*, $1\$/,/to be signed/s/.*SHA-256 //p" "$2"; } # file, text

token
person hanako
person taro
person mallory
founding="\"ceremony\":\"found\",\"organisation\":\"JPKI-TEST\",\"suite\":\"rsa-2048\",\"serials\":\"random\",\"publication\":\"$W/ca/publication\"${BOOK:+,\"store\":\"$BOOK\"}"

# --- scripts, one flaw each ------------------------------------------------------------------------------------------------
one='{"name":"Kagi Hanako","role":"administrator","key":"hanako.pem"}'
script flaw "$founding" "$one"
refuse_words "one person" "2 to 8 persons" ceremony flaw --dry-run
script flaw "$founding" "$one,{\"name\":\"Tate Taro\",\"role\":\"witness\",\"key\":\"hanako.pem\"}"
refuse_words "one key for two" "two persons with one key" ceremony flaw --dry-run
script flaw "$founding" "$one,{\"name\":\"Tate Taro\",\"role\":\"witness\",\"key\":\"pin\"}"
refuse_words "a key that is none" "no public key" ceremony flaw --dry-run
script flaw "$founding" "$one,{\"name\":\"Tate Taro\",\"role\":\"witness\",\"kye\":\"taro.pem\"}"
refuse_words "a misspelt member of a person" 'no member "kye"' ceremony flaw --dry-run
script flaw "$founding,\"years\":20"
refuse_words "a member that is none" 'no member "years"' ceremony flaw --dry-run
script flaw "\"ceremony\":\"found\",\"organisation\":\"JPKI-TEST\",\"suite\":\"rsa-1024\",\"serials\":\"random\",\"publication\":\"/x\""
refuse_words "a suite that is none" "suite is" ceremony flaw --dry-run
script flaw "\"ceremony\":\"found\",\"organisation\":\"JPKI-TEST\",\"suite\":\"p-384\",\"serials\":\"random\",\"publication\":\"x\""
refuse_words "a path from nowhere" "begins with /" ceremony flaw --dry-run
script flaw "\"ceremony\":\"burn\",\"suite\":\"p-384\""
refuse_words "a ceremony that is none" '"found" or "rekey"' ceremony flaw --dry-run
script flaw "$founding"
sed 's/pin-source=file:[^"]*/pin-value=4711/' "$W/flaw" > "$W/flaw2"
refuse_words "a PIN in the script" "without a PIN" ceremony flaw2 --dry-run
echo '{"ceremony":' > "$W/flaw"
refuse_words "half a script" "line" ceremony flaw --dry-run
script rekey-1 '"ceremony":"rekey","authority":"sign","suite":"rsa-2048"'
refuse_words "a new key for nobody" "no authorities are founded" ceremony rekey-1 --dry-run
code=0
ceremony rekey-1 > "$W/said" 2>&1 || code=$?
same "no step named is used wrongly" 2 "$code"
[ ! -e "$W/ca" ] || fail "a refused script left something behind"

# --- the founding -------------------------------------------------------------------------------------------------------------
script found "$founding"
check "a dry run" ceremony found --dry-run
grep -q "^rehearsal: " "$W/said" || fail "the dry run does not say that it is one"
same "shows three certificates" 3 "$(grep -c '^certificate: ' "$W/said")"
for line in "script: SHA-256 $(sha256sum "$W/found" | cut -d' ' -f1 | tr a-f A-F)" "person: Kagi Hanako, administrator, key SHA-256" \
    "subject: OU=Japan Agency for Local Authority Information Systems,OU=JPKI for digital signature,O=JPKI-TEST,C=JP" "serials: random"; do
    grep -q "$line" "$W/said" || fail "the dry run does not say: $line"
done
cp "$W/said" "$W/dry.txt"
[ ! -e "$W/ca" ] || fail "the dry run made a folder"
same "the dry run made no key" 0 "$(keys_in_token)"
refuse_words "before there are keys" "keys are not made yet" ceremony found --confirm "Kagi Hanako=$W/pin"
check "the keys" ceremony found --make-keys
cp "$W/said" "$W/plan.txt"
! grep -q "^rehearsal: " "$W/plan.txt" || fail "the plan is a rehearsal"
same "three keys" 3 "$(keys_in_token)"
check "a dry run shows the exact bytes now" ceremony found --dry-run
diff "$W/plan.txt" "$W/said" > "$W/diff" || fail "the dry run shows other bytes"
check "the keys again" ceremony found --make-keys
same "still three keys" 3 "$(keys_in_token)"
diff "$W/plan.txt" "$W/ca/ceremony-plan.txt" > "$W/said" || fail "the plan on disk is another one"
script other "$(echo "$founding" | sed 's/JPKI-TEST/OTHER/')"
refuse_words "another script now" "another ceremony" ceremony other --make-keys
sign_plan hanako "$W/plan.txt"
sign_plan taro "$W/plan.txt"
refuse_words "one has not confirmed" "Tate Taro has not confirmed" ceremony found --confirm "Kagi Hanako=$W/hanako.sig"
refuse_words "one for both" "not Tate Taro's signature" ceremony found --confirm "Kagi Hanako=$W/hanako.sig" --confirm "Tate Taro=$W/hanako.sig"
sign_plan mallory "$W/plan.txt"
refuse_words "a stranger" "Mallory is no person" ceremony found --confirm "Kagi Hanako=$W/hanako.sig" --confirm "Tate Taro=$W/taro.sig" --confirm "Mallory=$W/mallory.sig"
refuse_words "with a stranger's key" "not Tate Taro's signature" ceremony found --confirm "Kagi Hanako=$W/hanako.sig" --confirm "Tate Taro=$W/mallory.sig"
sign_plan taro "$W/dry.txt"
refuse_words "of the rehearsal's text" "not Tate Taro's signature" confirmed found
[ ! -e "$W/ca/sign.cer" ] || fail "signed without confirmation"
sign_plan taro "$W/plan.txt"
check "both have confirmed" confirmed found
cp "$W/said" "$W/transcript.txt"
for f in sign.cer auth.cer ops.cer; do
    same "$f: exactly the bytes that were shown" "$(planned_hash "$f" "$W/plan.txt")" "$(tbs_hash "$W/ca/$f")"
    grep -q "^signed: $f, SHA-256 $(sha256sum "$W/ca/$f" | cut -d' ' -f1 | tr a-f A-F)$" "$W/transcript.txt" || fail "$f: not in the transcript"
done
same "the transcript names both" 2 "$(grep -c '^confirmed: ' "$W/transcript.txt")"
TRANSCRIPT=$(ls "$W"/ca/transcripts/found-*.txt)
diff "$W/transcript.txt" "$TRANSCRIPT" > "$W/said" || fail "the transcript on disk is another one"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
grep -q "1 transcripts" "$W/said" || fail "the trail knows no transcript"
sed -i 's/Tate Taro/Tate Jiro/' "$TRANSCRIPT"
refuse_words "an altered transcript" "not the one that the trail tells of" "$JPKI_CA" audit-verify --state "$W/ca"
rm "$TRANSCRIPT"
refuse_words "a lost transcript" "is missing" "$JPKI_CA" audit-verify --state "$W/ca"
cp "$W/transcript.txt" "$TRANSCRIPT"
refuse_words "a second founding" "founded already" confirmed found
anchors
cp "$W/sign-ca.pem" "$W/sign-1.pem"
same "a number of 128 random bits" 34 "$(openssl x509 -in "$W/sign-ca.pem" -noout -serial | sed 's/serial=//' | tr -d '\n' | wc -c)"

# --- one certificate of the first key ---------------------------------------------------------------------------------------------
check "identity" identity ca 000000 authority
check "identity" identity desk-officer 462012 officer
check "serve" start
check "the responder" start_ocsp
for k in one two three; do openssl genrsa -out "$W/$k.key" 2048 2> /dev/null; done
request_file enrol-1 462012 319800217 20500217145959Z
check "signature" ir sign "$W/one.key" "$W/old.pem"
same "with a number of 128 random bits" 34 "$(serial "$W/old.pem" | tr -d '\n' | wc -c)"
refuse_words "a second serve on the same state" "in use" "$JPKI_CA" serve --state "$W/ca" --identity "$W/authority"
check "a rehearsal while they serve" ceremony rekey-1 --dry-run
refuse_words "new keys while they serve" "in use" ceremony rekey-1 --make-keys
stop

# --- the new key: two persons again, links both ways ---------------------------------------------------------------------------------
script rekey '"ceremony":"rekey","authority":"sign","suite":"rsa-2048"'
check "the new key" ceremony rekey --make-keys
cp "$W/said" "$W/plan.txt"
same "one key more" 4 "$(keys_in_token)"
sign_plan hanako "$W/plan.txt"
sign_plan taro "$W/plan.txt"
if [ -n "${JPKI_FAULTS:-}" ]; then
    for point in ceremony.after_certificate ceremony.after_certificate:2 ceremony.after_transcript ceremony.after_entered ceremony.before_done \
        ceremony.after_done crl.after_sign crl.after_record crl.before_hand_over crl.before_hand_over:2 ceremony.after_publish; do
        code=0
        JPKI_FAULT=$point confirmed rekey > "$W/said" 2>&1 || code=$?
        same "$point: killed" 137 "$code"
        check "$point: the trail" "$JPKI_CA" audit-verify --state "$W/ca"
    done
fi
check "both have confirmed" confirmed rekey
for f in sign-2.cer sign-2-new-with-old.cer sign-2-old-with-new.cer; do
    same "$f: exactly the bytes that were shown" "$(planned_hash "$f" "$W/plan.txt")" "$(tbs_hash "$W/ca/$f")"
done
same "no key more" 4 "$(keys_in_token)"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
grep -q "2 transcripts" "$W/said" || fail "the trail knows no second transcript"
openssl x509 -inform DER -in "$W/ca/publication/sign/ca.cer" -out "$W/sign-2.pem"
diff "$W/ca/publication/sign/ca-1.cer" "$W/ca/sign.cer" > "$W/said" || fail "the old certificate is published no longer"
for l in new-with-old old-with-new; do openssl x509 -inform DER -in "$W/ca/publication/sign/links/2-$l.cer" -out "$W/$l.pem"; done
name_of() { openssl x509 -in "$1" -noout -subject -issuer | sed 's/^[a-z]*=//' | sort -u; }
same "one name" "$(name_of "$W/sign-1.pem")" "$(name_of "$W/sign-2.pem")"
key_of() { openssl x509 -in "$1" -noout -pubkey; }
same "new-with-old holds the new key" "$(key_of "$W/sign-2.pem")" "$(key_of "$W/new-with-old.pem")"
same "old-with-new holds the old key" "$(key_of "$W/sign-1.pem")" "$(key_of "$W/old-with-new.pem")"
check "who trusts the old key accepts the new one" openssl verify -x509_strict -CAfile "$W/sign-1.pem" "$W/new-with-old.pem"
check "who trusts the new key accepts the old one" openssl verify -x509_strict -CAfile "$W/sign-2.pem" "$W/old-with-new.pem"
refuse_failing() { what=$1; shift; CHECKS=$((CHECKS + 1)); ! "$@" > "$W/said" 2>&1 || fail "$what"; }
refuse_failing "not the other way round" openssl verify -CAfile "$W/sign-2.pem" "$W/new-with-old.pem"
same "both links end with the old one" "$(openssl x509 -in "$W/sign-1.pem" -noout -enddate)" "$(openssl x509 -in "$W/new-with-old.pem" -noout -enddate)"

# --- certificates of both keys ---------------------------------------------------------------------------------------------------------
check "serve" start
cp "$W/sign-2.pem" "$W/sign-ca.pem"
request_file enrol-2 462012 319800217 20500217145959Z
check "signature with the new key" ir sign "$W/two.key" "$W/new.pem"
PLACE=Kagoshima-ken/Kagoshima-shi
KEY_1=$(openssl x509 -in "$W/sign-1.pem" -noout -ext subjectKeyIdentifier | sed -n 's/[ :]//g; 2p' | cut -c1-16)
list_1=$PLACE.$KEY_1.crl
list_2=$PLACE.crl
same "one list, one number, two signatures" "$(number "sign/$list_1")" "$(number "sign/$list_2")"
for g in 1 2; do
    eval "list=\$list_$g"
    { cat "$W/sign-$g.pem"; crl_pem "sign/$list"; } > "$W/all-$g.pem"
done
cat "$W/all-1.pem" "$W/all-2.pem" > "$W/all.pem"
check "the old certificate and its list" openssl verify -crl_check -x509_strict -CAfile "$W/all-1.pem" "$W/old.pem"
check "the new certificate and its list" openssl verify -crl_check -x509_strict -CAfile "$W/all-2.pem" "$W/new.pem"
for c in old new; do check "$c: among anchors and lists of both keys" openssl verify -crl_check -x509_strict -CAfile "$W/all.pem" "$W/$c.pem"; done
refuse_failing "the old key did not sign the new certificate" openssl verify -CAfile "$W/sign-1.pem" "$W/new.pem"
echo "届出書" > "$W/document.txt"
for c in old new; do
    key=$([ $c = old ] && echo one || echo two)
    openssl cms -sign -binary -md sha256 -in "$W/document.txt" -signer "$W/$c.pem" -inkey "$W/$key.key" -outform DER -out "$W/$c.p7s"
done
cat "$W/sign-1.pem" "$W/sign-2.pem" > "$W/both.pem"
verdict() { "$JPKI" verify --trust "$W/both.pem" --crl-folder "$W/ca/publication" --no-registry --content "$W/document.txt" "$W/$1.p7s"; }
check "valid, signed with a certificate of the old key" verdict old
check "valid, signed with one of the new key" verdict new
for _ in $(seq 600); do [ ! -f "$W/ca/ocsp/sign-2.pem" ] || break; sleep 0.1; done
cp "$W/sign-1.pem" "$W/sign-ca.pem"
says "OCSP by the old key's responder" "old.pem: good" sign "$W/old.pem"
verified "OCSP, old"
says "the new certificate is none of the old key's" "new.pem: unknown" sign "$W/new.pem"
cp "$W/sign-2.pem" "$W/sign-ca.pem"
for _ in $(seq 600); do ask sign "$W/new.pem" || true; ! grep -q "new.pem: good" "$W/said" || break; sleep 0.1; done
says "OCSP by the new key's responder" "new.pem: good" sign "$W/new.pem"
verified "OCSP, new"
check "an operator revokes the old one" "$JPKI_CA" revoke --state "$W/ca" --authority sign --serial "$(serial "$W/old.pem")" --reason keyCompromise
refuse "revoked" verdict old
grep -q REVOKED "$W/said" || fail "the verdict on the old certificate"
check "the other is not" verdict new
for l in "$list_1" "$list_2"; do
    openssl crl -inform DER -in "$W/ca/publication/sign/$l" -noout -text | grep -q "Serial Number: $(serial "$W/old.pem")" || fail "$l: the entry"
done
cp "$W/sign-1.pem" "$W/sign-ca.pem"
says "revoked by OCSP too" "old.pem: revoked" sign "$W/old.pem"
check "the desk revokes the new one: by name and number, which both keys share" cmp officer sign -cmd rr -oldcert "$W/new.pem" -revreason 5
stop_ocsp
stop
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
