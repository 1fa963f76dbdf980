#!/bin/sh
# ca-years.sh — twelve years under the injected clock: a certificate is issued, renewed in its last three months, ends; the authority gets
# a new key by ceremony, its old one ends; and a document signed and time-stamped in the first year is still valid to jpki verify.
. "$(dirname "$0")/ca-world.sh"

REAL=$(date +%s)
to() { # seconds since 1970: the clock of everything behind this. A leap of more than a month has to be accepted.
    NOW=$1
    export JPKI_CLOCK="+$((NOW - $(date +%s)))"
    check "the clock is right" "$JPKI_CA" clock --state "$W/ca" --accept
}
end_of() { date -u -d "$(openssl x509 -in "$1" -noout -enddate | sed 's/notAfter=//')" +%s; }
day() { date -u -d "@$1" +%m-%d; }
rfc() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
issue() { # request key certificate [renewed serial]
    "$ISSUE" "$JPKI_CA" "$W/ca" "$1" "$W/$2.spki" "$W/$3.der" ${4:-} && openssl x509 -inform DER -in "$W/$3.der" -out "$W/$3.pem"
}
lists() { "$JPKI_CA" crl --state "$W/ca"; }
PLACE=sign/Kagoshima-ken/Kagoshima-shi
listed() { openssl crl -inform DER -in "$W/ca/publication/$PLACE$2.crl" -noout -text | grep -q "Serial Number: $1$"; }
number() { openssl crl -inform DER -in "$W/ca/publication/$PLACE$1.crl" -noout -crlnumber | sed 's/crlNumber=0x//'; }

# --- the first year ------------------------------------------------------------------------------------------------------------
token
export JPKI_CLOCK=-3600
check "founding" found
anchors
cp "$W/sign-ca.pem" "$W/sign-1.pem"
unset JPKI_CLOCK
for k in one two; do
    openssl genrsa -out "$W/$k.key" 2048 2> /dev/null
    openssl pkey -in "$W/$k.key" -pubout -outform DER -out "$W/$k.spki"
done
check "issued" issue first one first
check "lists" lists
cp -r "$W/ca/publication" "$W/early"
EARLY=$(date +%s)
same "to a birthday" 02-17 "$(day "$(end_of "$W/first.pem")")"
echo "届出書" > "$W/document.txt"
openssl cms -sign -binary -md sha256 -in "$W/document.txt" -signer "$W/first.pem" -inkey "$W/one.key" -outform DER -out "$W/document.p7s"
# a time-stamping authority that is none of ours, of thirty years
openssl req -x509 -newkey rsa:2048 -nodes -days 10950 -subj /CN=stamps -keyout "$W/tsa-ca.key" -out "$W/tsa-ca.pem" 2> /dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=stamper -keyout "$W/tsa.key" -out "$W/tsa.csr" 2> /dev/null
printf 'extendedKeyUsage=critical,timeStamping\n' > "$W/tsa.ext"
openssl x509 -req -in "$W/tsa.csr" -CA "$W/tsa-ca.pem" -CAkey "$W/tsa-ca.key" -days 10950 -extfile "$W/tsa.ext" -out "$W/tsa.pem" 2> /dev/null
cat > "$W/tsa.cnf" << EOF
[tsa]
default_tsa=one
[one]
serial=$W/tsa.serial
crypto_device=builtin
signer_cert=$W/tsa.pem
certs=$W/tsa-ca.pem
signer_key=$W/tsa.key
signer_digest=sha256
default_policy=1.2.3.4
digests=sha256
ess_cert_id_chain=no
ess_cert_id_alg=sha256
EOF
echo 01 > "$W/tsa.serial"
stamp() { # name, what is stamped
    openssl ts -query -data "$W/$2" -sha256 -cert -out "$W/q.tsq" && openssl ts -reply -config "$W/tsa.cnf" -queryfile "$W/q.tsq" -out "$W/$1.tsr"
}
while [ "$(date +%s)" -le "$EARLY" ]; do sleep 0.05; done # of a later second than that list
check "a stamp" stamp document document.p7s
cp "$W/sign-1.pem" "$W/anchors.pem"
verdict() { # folder of lists, time, arguments …
    folder=$1 when=$2
    shift 2
    "$JPKI" verify --trust "$W/anchors.pem" --crl-folder "$folder" --no-registry --at "$(rfc $((when + 600)))" --content "$W/document.txt" "$@" "$W/document.p7s"
}
stamped() { verdict "$1" "$2" --time-stamp "$W/document.tsr" --time-stamp-trust "$W/tsa-ca.pem"; }
check "valid in the first year" verdict "$W/ca/publication" $((REAL + 600))
check "a list after the stamp" lists
mkdir -p "$W/fresh/sign/Kagoshima-ken"
cp "$W/ca/publication/$PLACE.crl" "$W/fresh/$PLACE.crl"
check "a stamp over the list" stamp "fresh/$PLACE.crl" "fresh/$PLACE.crl"
check "valid with its stamp" stamped "$W/ca/publication" $((REAL + 600))

# --- renewal in the last three months, and the end -----------------------------------------------------------------------------------
END=$(end_of "$W/first.pem")
to $((END - 100 * 86400))
refuse "a hundred days before the end" issue second two second "$(serial "$W/first.pem")"
grep -q "last three months" "$W/said" || fail "refused otherwise"
to $((END - 80 * 86400))
check "eighty days before" issue second two second "$(serial "$W/first.pem")"
same "to the sixth birthday of then" "$(($(date -u -d "@$END" +%Y) + 5))" "$(date -u -d "@$(end_of "$W/second.pem")" +%Y)"
same "the first is superseded, the second counts" "revoked active" "$(state sign "$(serial "$W/first.pem")") $(state sign "$(serial "$W/second.pem")")"
check "lists" lists
check "on the list" listed "$(serial "$W/first.pem")" ""
refuse "revoked today" verdict "$W/ca/publication" "$NOW"
grep -q REVOKED "$W/said" || fail "the verdict is not REVOKED"
check "but signed and stamped before that" stamped "$W/ca/publication" "$NOW"
mkdir -p "$W/kept/sign/Kagoshima-ken" # what archives keep beside a document: the last list that still tells of it
cp "$W/ca/publication/$PLACE.crl" "$W/kept/$PLACE.crl"
cp -r "$W/kept" "$W/bent"
python3 -c 'import sys; p = sys.argv[1]; b = bytearray(open(p, "rb").read()); b[-9] ^= 1; open(p, "wb").write(b)' "$W/bent/$PLACE.crl"
mkdir -p "$W/other/sign/Kagoshima-ken"
cp "$W/ca/publication/sign/ca.crl" "$W/other/$PLACE.crl"
to $((END + 86400))
check "the day after its end" lists
check "one list more has the entry" listed "$(serial "$W/first.pem")" ""
to $((END + 3 * 86400))
check "the next list" lists
refuse "has it no more" listed "$(serial "$W/first.pem")" ""

# --- a new key by ceremony, four years before the old one's end -------------------------------------------------------------------------
CA_END=$(end_of "$W/sign-1.pem")
to $((CA_END - 4 * 365 * 86400))
for p in a b; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$W/$p.key" 2> /dev/null
    openssl pkey -in "$W/$p.key" -pubout -out "$W/$p.pem"
done
JPKI_CLOCK=$(rfc "$NOW") # both in one second: two ceremonies, two transcripts
for a in sign ops; do
    printf '{"ceremony":"rekey","authority":"%s","suite":"rsa-2048","hsm":"pkcs11:token=jpki-flow?module-path=%s&pin-source=file:%s","persons":[{"name":"A","role":"administrator","key":"a.pem"},{"name":"B","role":"witness","key":"b.pem"}]}' \
        "$a" "$MODULE" "$W/pin" > "$W/rekey-$a"
    check "$a: the new key" "$JPKI_CA" ceremony --state "$W/ca" --script "$W/rekey-$a" --make-keys
    for p in a b; do openssl dgst -sha256 -sign "$W/$p.key" -out "$W/$p.sig" "$W/ca/ceremony-plan.txt"; done
    check "$a: the ceremony" "$JPKI_CA" ceremony --state "$W/ca" --script "$W/rekey-$a" --confirm "A=$W/a.sig" --confirm "B=$W/b.sig"
done
to "$NOW"
openssl x509 -inform DER -in "$W/ca/publication/sign/ca.cer" -out "$W/sign-2.pem"
cat "$W/sign-1.pem" "$W/sign-2.pem" > "$W/anchors.pem"
check "issued with the new key" issue third one third
[ "$(end_of "$W/third.pem")" -gt "$CA_END" ] || [ "$(end_of "$W/third.pem")" -gt $((NOW + 4 * 365 * 86400)) ] || fail "the old key's end cuts what the new one issues"
check "both keys' lists" lists
KEY_1=.$(openssl x509 -in "$W/sign-1.pem" -noout -ext subjectKeyIdentifier | sed -n 's/[ :]//g; 2p' | cut -c1-16)
same "one number" "$(number "$KEY_1")" "$(number "")"
for c in second third; do
    g=$([ $c = third ] && echo 2 || echo 1)
    { cat "$W/sign-$g.pem"; openssl crl -inform DER -in "$W/ca/publication/$PLACE$([ $c = third ] || echo "$KEY_1").crl"; } > "$W/all.pem"
    check "$c with its own key's list" openssl verify -attime $((NOW + 600)) -crl_check -x509_strict -CAfile "$W/all.pem" "$W/$c.pem"
done

# --- the old key's end, and the twelfth year ---------------------------------------------------------------------------------------------------
to $((CA_END - 86400))
check "both keys' last lists together" lists
same "one number still" "$(number "$KEY_1")" "$(number "")"
last=$(number "$KEY_1")
to $((CA_END + 86400))
check "the old key has ended" lists
same "it signs no more" "$last" "$(number "$KEY_1")"
[ "$((0x$(number "")))" -gt "$((0x$last))" ] || fail "the new key's list does not go on"
check "the new one issues" issue fourth two fourth
to $((REAL + 12 * 365 * 86400))
check "in the twelfth year" lists
refuse "the signature by itself" verdict "$W/ca/publication" "$NOW"
grep -q INDETERMINATE "$W/said" || fail "a verdict that nothing supports"
refuse "with its stamp, and today's lists" stamped "$W/ca/publication" "$NOW"
today() { # folder of kept lists, arguments … : as it stands in the twelfth year, with what was kept
    kept=$1
    shift
    verdict "$W/ca/publication" "$NOW" --kept "$kept" --time-stamp "$W/document.tsr" --time-stamp-trust "$W/tsa-ca.pem" "$@"
}
check "valid today, with its stamp and the list that was kept" today "$W/kept"
grep -q "VALID" "$W/said" && grep -q "by a list that was kept" "$W/said" || fail "the report: $(cat "$W/said")"
check "valid today, with a list that was stamped when it was made" today "$W/fresh"
grep -q "^kept *since .* by a time-stamp over the list" "$W/said" || fail "the report: $(cat "$W/said")"
cp -r "$W/fresh" "$W/other-stamp"
cp "$W/document.tsr" "$W/other-stamp/$PLACE.crl.tsr"
refuse "a stamp over something else beside the list" today "$W/other-stamp"
cp -r "$W/kept" "$W/kept-stamped"
# openssl stamps by the machine's clock, which is twelve years behind: of the first year, before the list was made
check "a stamp over the list" stamp "kept-stamped/$PLACE.crl" "kept/$PLACE.crl"
refuse "a stamp that is older than its list" today "$W/kept-stamped"
grep -q "time-stamp of the list that was kept proves nothing" "$W/said" || fail "refused otherwise: $(cat "$W/said")"
refuse "a list that was kept from before the stamp" today "$W/early"
grep -q "before the time-stamp" "$W/said" || fail "refused otherwise: $(cat "$W/said")"
refuse "the list of another town" today "$W/other"
refuse "an altered list" today "$W/bent"
refuse "no list there" today "$W/nowhere"
# --- what was kept as long as it has to be is forgotten --------------------------------------------------------------------------------
forget() { "$JPKI_CA" store forget --state "$W/ca" "$@"; }
FIRST=$(serial "$W/first.pem")
check "nothing before its time" forget
grep -q "^0 certificates forgotten" "$W/said" || fail "$(cat "$W/said")"
to $(($(date -u -d "$(date -u -d "@$(end_of "$W/first.pem")" +%Y-%m-%dT%H:%M:%SZ) + 10 years" +%s) - 3600))
check "on the last day" forget --dry-run
grep -q "^0 certificates" "$W/said" || fail "a day too early: $(cat "$W/said")"
to $((NOW + 86400))
check "the day after" forget --dry-run
grep -q "^1 certificates to be" "$W/said" || fail "the first: $(cat "$W/said")"
check "forgotten" forget
same "the book has it no more" 0 "$(rows "SELECT COUNT(*) FROM certificates WHERE serial = '$FIRST'")"
same "its successor is there" 1 "$(rows "SELECT COUNT(*) FROM certificates WHERE serial = '$(serial "$W/second.pem")'")"
same "the trail tells both" "confirmed forgotten issued recorded revoked" "$(rows "SELECT action FROM audit WHERE subject = 'sign $FIRST' ORDER BY action" | tr '\n' ' ' | sed 's/ $//')"
check "lists go on" lists
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
cp "$W/ca/ca.db" "$W/kept.db"
sqlite3 "$W/ca/ca.db" "PRAGMA foreign_keys=off; DELETE FROM certificates WHERE serial = '$(serial "$W/second.pem")'"
refuse "one that is missing and was not forgotten" "$JPKI_CA" audit-verify --state "$W/ca"
grep -q "1 certificates that the trail tells of are not in the book" "$W/said" || fail "$(cat "$W/said")"
cp "$W/kept.db" "$W/ca/ca.db"
check "the trail over twelve years" "$JPKI_CA" audit-verify --state "$W/ca"
grep -q "3 transcripts" "$W/said" || fail "three ceremonies: $(cat "$W/said")"
echo "$CHECKS checks"
