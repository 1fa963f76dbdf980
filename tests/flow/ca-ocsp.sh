#!/bin/sh
# ca-ocsp.sh — the responder against openssl's client and curl: good, revoked, unknown, nonces, caching, what is no
# request, a second's coherence with the lists, keys made anew.
. "$(dirname "$0")/ca-world.sh"
fetch() { # path-or-body arguments … → status; headers in $W/head, body in $W/body
    curl -sS -D "$W/head" -o "$W/body" -w '%{http_code}' "$@"
}
header() { tr -d '\r' < "$W/head" | sed -n "s/^$1: //Ip"; }

founded
"$JPKI_CA" ocsp --state "$W/ca" --pid-file "$W/none.pid" --log "$W/ocsp.log" > "$W/ocsp.out" &
OCSP=$!
for _ in $(seq 600); do [ ! -f "$W/ca/ocsp/auth.next.req" ] || break; sleep 0.05; done
[ -f "$W/ca/ocsp/auth.next.req" ] || fail "the responder asks for no certificate"
[ ! -f "$W/none.pid" ] || fail "ready without a certificate"
stop_ocsp
check "serve" start
check "the responder" start_ocsp
same "its keys are private" "600 600" "$(stat -c %a "$W/ca/ocsp/auth.pem" "$W/ca/ocsp/sign.pem" | tr '\n' ' ' | sed 's/ $//')"
same "nothing is left in the box" "auth.pem sign.pem" "$(ls "$W/ca/ocsp" | tr '\n' ' ' | sed 's/ $//')"
for a in sign auth; do
    openssl x509 -in "$W/ca/ocsp/$a.pem" -out "$W/$a-ocsp.pem"
    check "$a: delegated by the authority" openssl verify -purpose ocsphelper -x509_strict -CAfile "$W/$a-ca.pem" "$W/$a-ocsp.pem"
    same "$a: extensions in order" "Key Usage: critical|Extended Key Usage: |Authority Key Identifier: |Subject Key Identifier: |" \
        "$(openssl x509 -in "$W/$a-ocsp.pem" -noout -text | sed -n '/extensions:$/d; s/^ *X509v3 //p' | tr '\n' '|')"
    openssl x509 -in "$W/$a-ocsp.pem" -noout -text | grep -q "OCSP No Check" || fail "$a: no ocspNoCheck"
    openssl x509 -in "$W/$a-ocsp.pem" -noout -checkend 864000 > /dev/null && fail "$a: lives longer than ten days"
    same "$a: in the book" active "$(state $a "$(serial "$W/$a-ocsp.pem")")"
done

# --- good, unknown, revoked -------------------------------------------------------------------------------------------------
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
openssl genrsa -out "$W/other.key" 2048 2> /dev/null
request_file enrol-1 462012 319800217 20350217145959Z
check "a certificate" ir auth "$W/holder.key" "$W/auth.pem"
check "another" ir sign "$W/other.key" "$W/sign.pem"
for a in auth sign; do
    says "$a: good, with a nonce" "$W/$a.pem: good" $a "$W/$a.pem"
    verified "$a"
    ! grep -q "no nonce" "$W/said" || fail "$a: the nonce is not echoed"
    says "$a: good, without a nonce" "$W/$a.pem: good" $a "$W/$a.pem" -no_nonce
    verified "$a"
    DIGEST=-sha256
    says "$a: under SHA-256" "$W/$a.pem: good" $a "$W/$a.pem" -no_nonce
    DIGEST=
done
says "the other authority's number is unknown" "0x$(serial "$W/sign.pem"): unknown" auth "$W/auth.pem" -serial "0x$(serial "$W/sign.pem")"
verified "two certificates in one request"
grep -q "$W/auth.pem: good" "$W/said" || fail "the first of two"
says "a serial that was never given" "0x00FFFFFFFFFFFFFFFF01: unknown" auth "$W/auth.pem" -serial 0x00FFFFFFFFFFFFFFFF01
says "an issuer that is not served" "unauthorized" ops "$W/officer/cert.pem"
says "the responder's own certificate" "$W/auth-ocsp.pem: good" auth "$W/auth-ocsp.pem" -no_nonce
request_file enrol-2 462012 319800217 20350217145959Z
check "one that is never confirmed" ir auth "$W/other.key" "$W/pending.pem" -disable_confirm
says "is good, as the list has it" "$W/pending.pem: good" auth "$W/pending.pem"
says "no next answer is older than its time" "Next Update" auth "$W/auth.pem" -no_nonce

AUTH=$(serial "$W/auth.pem")
check "revoked" "$JPKI_CA" revoke --state "$W/ca" --authority auth --serial "$AUTH" --reason keyCompromise
revoked() { ask auth "$W/auth.pem" -no_nonce && grep -q "$W/auth.pem: revoked" "$W/said"; }
soon revoked || fail "a kept answer is good for longer than until the next look at the book"
verified "revoked"
grep -q "Reason: keyCompromise" "$W/said" || fail "the reason"
when=$(sed -n 's/.*Revocation Time: //p' "$W/said")
openssl crl -inform DER -in "$W/ca/publication/auth/Kagoshima-ken/Kagoshima-shi.crl" -noout -text | grep -A1 "Serial Number: $AUTH" | grep -q "$when" ||
    fail "the list says another time than '$when'"
check "revoked for no reason" "$JPKI_CA" revoke --state "$W/ca" --authority sign --serial "$(serial "$W/sign.pem")" --reason unspecified
says "unspecified" "$W/sign.pem: revoked" sign "$W/sign.pem"
! grep -q "Reason:" "$W/said" || fail "a reason where the list has none"

# --- nonces of every length, what is no request ---------------------------------------------------------------------------------
openssl ocsp -issuer "$W/auth-ca.pem" -cert "$W/pending.pem" -no_nonce -reqout "$W/plain.der" > /dev/null 2>&1
post() { fetch -H "Content-Type: ${2:-application/ocsp-request}" --data-binary "@$1" "http://127.0.0.1:$OCSP_PORT/"; }
word() { openssl ocsp -respin "$W/body" -noverify 2>&1 | sed -n 's/^Responder Error: \([a-z]*\).*/\1/p'; }
cat > "$W/nonce.py" << 'EOF'
import sys
def der(tag, body):
    n = len(body)
    return bytes([tag]) + (bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])) + body
plain = open(sys.argv[1], "rb").read()
assert plain[0] == 0x30 and plain[1] < 128 and plain[2] == 0x30 and plain[3] < 128
tbs = plain[4:]
n, critical = int(sys.argv[3]), len(sys.argv) > 4
oid = bytes.fromhex("06092b0601050507300102") if len(sys.argv) < 6 else bytes.fromhex("06032a0304")
extension = der(0x30, oid + (b"\x01\x01\xff" if critical else b"") + der(4, der(4, b"N" * n)))
open(sys.argv[2], "wb").write(der(0x30, der(0x30, tbs + der(0xA2, der(0x30, extension)))))
EOF
for n in 1 16 32 64 128; do
    python3 "$W/nonce.py" "$W/plain.der" "$W/nonce.der" $n
    same "a nonce of $n bytes" 200 "$(post "$W/nonce.der")"
    openssl ocsp -respin "$W/body" -issuer "$W/auth-ca.pem" -cert "$W/pending.pem" -CAfile "$W/auth-ca.pem" -no_nonce -reqin "$W/nonce.der" > "$W/said" 2>&1 || true
    grep -q "pending.pem: good" "$W/said" || fail "a nonce of $n bytes"
    ! grep -qi "nonce" "$W/said" || fail "a nonce of $n bytes is not echoed"
    same "is not for caches" no-store "$(header Cache-Control)"
done
for n in 0 129 200; do
    python3 "$W/nonce.py" "$W/plain.der" "$W/nonce.der" $n
    same "a nonce of $n bytes" "200 malformedrequest" "$(post "$W/nonce.der") $(word)"
done
python3 "$W/nonce.py" "$W/plain.der" "$W/nonce.der" 16 critical
same "a critical nonce is understood" "200 " "$(post "$W/nonce.der") $(word)"
python3 "$W/nonce.py" "$W/plain.der" "$W/nonce.der" 16 critical other
same "another critical extension is not" "200 malformedrequest" "$(post "$W/nonce.der") $(word)"
head -c 40 "$W/plain.der" > "$W/cut.der"
same "a cut request" "200 malformedrequest" "$(post "$W/cut.der") $(word)"
head -c 5000 /dev/zero > "$W/big"
same "a long body" 413 "$(post "$W/big")"
same "another type" 415 "$(post "$W/plain.der" text/plain)"
same "another method" 405 "$(fetch -X PUT --data-binary x "http://127.0.0.1:$OCSP_PORT/")"
same "no request in the path" "200 malformedrequest" "$(fetch "http://127.0.0.1:$OCSP_PORT/") $(word)"
same "no base64 in the path" "200 malformedrequest" "$(fetch "http://127.0.0.1:$OCSP_PORT/index.html") $(word)"

# --- GET and caches --------------------------------------------------------------------------------------------------------------
URL="http://127.0.0.1:$OCSP_PORT/$(base64 -w 0 "$W/plain.der" | sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g')"
same "GET" 200 "$(fetch "$URL")"
cp "$W/body" "$W/first"
check "the answer of GET" openssl ocsp -respin "$W/body" -issuer "$W/auth-ca.pem" -cert "$W/pending.pem" -CAfile "$W/auth-ca.pem"
same "type" application/ocsp-response "$(header Content-Type)"
same "for caches, which know of no revocation: a minute" "max-age=60, public, no-transform, must-revalidate" "$(header Cache-Control)"
same "Last-Modified is thisUpdate" "$(date -u -d "$(header Last-Modified)" +%s)" \
    "$(date -u -d "$(openssl ocsp -respin "$W/first" -noverify -text | sed -n 's/.*This Update: //p')" +%s)"
same "Expires is nextUpdate" "$(date -u -d "$(header Expires)" +%s)" \
    "$(date -u -d "$(openssl ocsp -respin "$W/first" -noverify -text | sed -n 's/.*Next Update: //p')" +%s)"
etag=$(header ETag)
same "etag" 304 "$(fetch -H "If-None-Match: $etag" "$URL")"
same "unescaped, with the slashes that clients add" 200 "$(fetch --path-as-is "http://127.0.0.1:$OCSP_PORT//$(base64 -w 0 "$W/plain.der")")"
same "a kept answer is given again" "$(sha256sum < "$W/first")" "$(sha256sum < "$W/body")"
same "HEAD" 200 "$(fetch -I "$URL")"
same "two on one connection" 1 "$(curl -sSv "$URL" "$URL" -o /dev/null -o /dev/null 2>&1 | grep -c 'Re-using')"

# --- too much at once, keys anew, kill -9 -------------------------------------------------------------------------------------------
stop_ocsp
check "a responder of few signatures" start_ocsp --rate 4
later=0
for _ in 1 2 3 4 5 6; do
    ask auth "$W/pending.pem" || true
    ! grep -q "trylater" "$W/said" || later=$((later + 1))
done
[ $later -ge 2 ] || fail "six nonces at once, and only $later were told to come later"
says "who asks without a nonce is not kept out by them" "$W/pending.pem: good" auth "$W/pending.pem" -no_nonce
stop_ocsp
stop
before=$(serial "$W/auth-ocsp.pem")
cp -a "$W/ca" "$W/before"
export JPKI_CLOCK=+432000
check "five days later: serve" start
check "five days later: the responder" start_ocsp
for _ in $(seq 600); do
    openssl x509 -in "$W/ca/ocsp/auth.pem" -out "$W/auth-ocsp.pem"
    [ "$before" = "$(serial "$W/auth-ocsp.pem")" ] || break
    sleep 0.05
done
[ "$before" != "$(serial "$W/auth-ocsp.pem")" ] || fail "no new key after five days"
ask auth "$W/pending.pem" -no_nonce -resp_text -noverify || true
grep -q "^revoked" "$W/said" || fail "not confirmed for five days, and not revoked"
kill -9 "$OCSP"
wait "$OCSP" 2> /dev/null || true
check "after kill -9" start_ocsp
same "with the same key" "$(serial "$W/auth-ocsp.pem")" "$(openssl x509 -in "$W/ca/ocsp/auth.pem" -noout -serial | sed 's/serial=//')"
stop_ocsp
stop
unset JPKI_CLOCK # with the state of before: the trail takes no row from before its last one
rm -rf "$W/ca"
mv "$W/before" "$W/ca"
if [ -n "${JPKI_FAULTS:-}" ]; then
    for point in ocsp.after_key ocsp.after_request ocsp.after_adopt; do
        rm -rf "$W/ca/ocsp"
        check "$point: serve" start
        JPKI_FAULT=$point "$JPKI_CA" ocsp --state "$W/ca" --log "$W/ocsp.log" > "$W/said" 2>&1 &
        OCSP=$!
        code=0
        wait "$OCSP" 2> /dev/null || code=$?
        same "$point: killed" 137 "$code"
        check "$point: started again" start_ocsp
        says "$point" "$W/auth.pem: revoked" auth "$W/auth.pem"
        stop_ocsp
        stop
    done
    rm -rf "$W/ca/ocsp"
    JPKI_FAULT=ocsp.after_issue start || fail "serve does not start"
    "$JPKI_CA" ocsp --state "$W/ca" --pid-file "$W/ocsp.pid" --log "$W/ocsp.log" > "$W/ocsp.out" &
    OCSP=$!
    code=0
    wait "$PID" 2> /dev/null || code=$?
    same "ocsp.after_issue: killed" 137 "$code"
    before=$(($(count sign certificates) + $(count auth certificates)))
    check "ocsp.after_issue: serve again" start
    for _ in $(seq 600); do [ ! -f "$W/ca/ocsp/auth.pem" ] || [ ! -f "$W/ca/ocsp/sign.pem" ] || break; sleep 0.05; done
    stop_ocsp
    same "ocsp.after_issue: nothing was issued twice" $((before + 1)) "$(($(count sign certificates) + $(count auth certificates)))"
    stop
fi
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
