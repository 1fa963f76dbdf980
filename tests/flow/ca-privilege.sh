#!/bin/sh
# ca-privilege.sh — what each process of the authorities may still do, tried from inside and compared with docs/PRIVILEGE.md
# ($1). Needs a build with -Dfaults=true.
. "$(dirname "$0")/ca-world.sh"
PAGE=$1
OCSP=

PUBLIC=$(mktemp -d)
trap '[ -z "$PID" ] || kill -9 "$PID" 2>/dev/null || true; [ -z "$OCSP" ] || kill -9 "$OCSP" 2>/dev/null || true; rm -rf "$W" "$PUBLIC"' EXIT
export JPKI_TRY_PUBLICATION=$PUBLIC
token
found() { "$JPKI_CA" found --unattended --state "$W/ca" --token jpki-flow --module "$MODULE" --pin-file "$W/pin" --publication "$PUBLIC"; }
check "founding" found
for a in sign auth ops; do openssl x509 -inform DER -in "$PUBLIC/$a/ca.cer" -out "$W/$a-ca.pem"; done
check "identity" identity ca 000000 authority
check "identity" identity desk-officer 462012 officer
tried() { # process: "what: yes" a line, from the log; the tries come behind the pid file
    for _ in $(seq 600); do ! grep -q "try $1 trace a process" "$2" || break; sleep 0.05; done
    sed -n "s/.*try $1 \(.*: [yn][eo]s*\)$/\1/p" "$2" | sort > "$W/tried"
    [ "$(wc -l < "$W/tried")" = 13 ] || fail "$1: $(wc -l < "$W/tried") tries"
}
page() { # column
    grep -E '^\| [a-z].* \| (yes|no) \|' "$PAGE" | awk -F ' *[|] *' -v c="$1" '{print $2 ": " $c}' | sort > "$W/page"
}
mkdir "$W/ca/ocsp"
JPKI_TRY=intake start || fail "serve"
tried intake "$W/log"
page 3
check "intake as the page has it" diff "$W/page" "$W/tried"
stop
: > "$W/log"
JPKI_TRY=signer start || fail "serve"
tried signer "$W/log"
page 4
check "signer as the page has it" diff "$W/page" "$W/tried"
stop
: > "$W/log"
JPKI_TRY=publisher start || fail "serve"
tried publisher "$W/log"
page 5
check "publisher as the page has it" diff "$W/page" "$W/tried"
mkdir "$W/run"
JPKI_TRY=ocsp "$JPKI_CA" ocsp --state "$W/ca" --pid-file "$W/run/ocsp.pid" --log "$W/ocsp.log" > "$W/ocsp.out" &
OCSP=$!
for _ in $(seq 600); do [ ! -f "$W/run/ocsp.pid" ] || break; sleep 0.05; done
tried ocsp "$W/ocsp.log"
page 6
check "ocsp as the page has it" diff "$W/page" "$W/tried"
CHECKS=$((CHECKS + 1))
for pid in "$PID" "$OCSP" $(pgrep -P "$(pgrep -P "$PID")"); do
    grep -q '^NoNewPrivs:.1' "/proc/$pid/status" || fail "new privileges in $(cat "/proc/$pid/comm")"
    grep -q '^Seccomp:.2' "/proc/$pid/status" || fail "no filter in $(cat "/proc/$pid/comm")"
done
kill "$OCSP"
wait "$OCSP" || fail "ocsp did not end with 0"
OCSP=

# the signers come and go, and the confined intake goes on
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
for n in 1 2 3; do
    request_file "enrol-$n" 462012 319800217 20350217145959Z
    if ! ir auth "$W/holder.key" "$W/holder.pem" > "$W/said" 2>&1; then # the first answer after a death may be a refusal
        check "a certificate after $n signers" ir auth "$W/holder.key" "$W/holder.pem"
    fi
    kill -9 "$(signer)" || fail "there was no signer"
done
old=$(publisher)
kill -9 "$old" || fail "there was no publisher"
again() { publisher > "$W/said" 2>&1 && [ "$(publisher)" != "$old" ]; }
check "the publisher comes again" soon again
kill -9 "$PID"
wait "$PID" 2> /dev/null || true
PID=
for _ in $(seq 600); do [ -n "$(pgrep -f "^jpki-ca signer --state $W/ca")" ] || break; sleep 0.05; done
same "no launcher, no signer, no publisher outlive a killed intake" "" "$(pgrep -f "^jpki-ca signer --state $W/ca")"
if [ "$(id -u)" = 0 ]; then
    refuse "a user that is none" "$JPKI_CA" serve --state "$W/ca" --identity "$W/authority" --user nobody-there
    chown -R nobody "$W/ca" "$PUBLIC" "$W/authority" "$W/tokens" "$W/pin" "$SOFTHSM2_CONF"
    chmod 711 "$W"
    install -d -o nobody "$W/nobody"
    "$JPKI_CA" serve --state "$W/ca" --identity "$W/authority" --user nobody --pid-file "$W/nobody/pid" > "$W/nobody.out" 2> "$W/nobody.log" &
    PID=$!
    for _ in $(seq 600); do [ ! -f "$W/nobody/pid" ] || break; sleep 0.05; done
    [ -f "$W/nobody/pid" ] || { cat "$W/nobody.log" >&2; fail "serve as nobody"; }
    for pid in "$PID" $(pgrep -P "$PID"); do
        same "serves as nobody" "$(id -u nobody)" "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")"
    done
    stop
    # the publisher as another user: it owns the publication and its own memory, and may read what is handed over
    chown -R daemon "$PUBLIC" "$W/ca/publisher"
    chmod 711 "$W/ca"
    chmod -R a+rX "$W/ca/lists" "$W"/ca/*.cer "$W/ca/config.json"
    rm "$PUBLIC/auth/ca.crl"
    check "publishes as a user of its own" "$JPKI_CA" publisher --once --state "$W/ca" --user daemon
    same "the list is that user's" daemon "$(stat -c %U "$PUBLIC/auth/ca.crl")"
fi
echo "$CHECKS checks"
