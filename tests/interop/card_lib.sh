# card_lib.sh — what the suites of foreign clients share: a folder of their own, a new card in the virtual reader of a real PC/SC
# service, steps that are named when they fail. Sourced with the suite's arguments: JPKI-SIM MAKE-TESTCARD MODULE MODULE-AUTH
# MODULE-SIGN.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/pcscd_lib.sh"
own_pcscd "$0" "$@"
run_own_pcscd

# p11-kit reads no configuration of root's: the suite runs again as nobody, with copies that nobody can read.
as_nobody() { # the suite's $0 and arguments
    [ "$(id -u)" = 0 ] || return 0
    local stage suite status=0 copies=()
    stage=$(mktemp -d /tmp/jpki-stage-XXXXXX)
    suite=$(realpath "$1")
    cp "$(dirname "$suite")"/*.sh "$stage/"
    shift
    for file in "$@"; do
        cp "$file" "$stage/"
        copies+=("$stage/$(basename "$file")")
    done
    chmod -R a+rX "$stage"
    cd "$stage"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$stage/$(basename "$suite")" "${copies[@]}" || status=$?
    cd /
    rm -rf "$stage"
    stop_own_pcscd
    exit $status
}
[ -z "${wants_nobody:-}" ] || as_nobody "$0" "$@"

sim=$(realpath "$1") make=$(realpath "$2")
module=$(realpath "$3") auth_module=$(realpath "$4") sign_module=$(realpath "$5")
tests=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
folder=$(mktemp -d /tmp/jpki-interop-XXXXXX)
step="start" pids=

finish() {
    status=$?
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    stop_own_pcscd
    wait 2>/dev/null || true
    [ $status = 0 ] || { echo "FAILED: $step"; tail -n 30 "$folder"/*.out 2>/dev/null || true; }
    rm -rf "$folder"
    exit $status
}
trap finish EXIT
cd "$folder"
export HOME=$folder
reader='Virtual PCD 00 00'
# OpenSC's module, which p11-kit loads too, is not to touch this card; its tools may.
printf 'app opensc-pkcs11 { ignored_readers = "%s"; }\n' "$reader" >opensc.conf
export OPENSC_CONF=$folder/opensc.conf
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE GIT_SSL_CAINFO SSH_AUTH_SOCK DISPLAY JPKI_READER

begin() { step=$1; : >trace; }
say() { echo "ok: $step ($(grep -c '^>' trace || true) commands)"; }
want() { grep -q -- "$1" "$2" || { echo "'$1' is missing:"; cat "$2"; return 1; }; }
refuse() { if grep -q -- "$1" "$2"; then echo "'$1' should not be:"; cat "$2"; return 1; fi; }
fails() { if "$@"; then echo "should have failed: $*"; return 1; fi; }
until_true() { # a condition, for ten seconds
    for _ in $(seq 600); do
        if "$@" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    echo "never came true: $*"
    return 1
}

# The card in its reader, and out of it.
card_in() { opensc-tool -l 2>/dev/null | grep -q "Yes .*$reader"; }
card_out() { opensc-tool -l 2>/dev/null | grep -q "No .*$reader"; }
insert_card() {
    "$sim" insert --control control --card card 0
    until_true card_in
}
remove_card() {
    "$sim" eject --control control 0
    until_true card_out
    # pcscd looks at its readers each 0.4 s. A client's call may have told it earlier that the card is gone; a card that came back before
    # it looked itself would not be seen at all. No hand is so quick.
    sleep 1
}

step="make a card"
"$make" card >make.out 2>&1
"$sim" run --card - --vpcd 127.0.0.1:35963 --control control --pid-file sim.pid --trace trace >>sim.out 2>&1 &
pids=$!
until_true test -s sim.pid
insert_card
export JPKI_READER="pcsc:$reader"
auth_token='pkcs11:token=JPKI%20%28User%20Authentication%29'
sign_token='pkcs11:token=JPKI%20%28Digital%20Signature%29'
auth_name='JPKI (User Authentication)'
sign_name='JPKI (Digital Signature)'
printf 'to be signed\n' >data

export_certs() {
    p11tool --provider "$module" --export "$auth_token;id=%03;type=cert" >authority.pem 2>/dev/null
    p11tool --provider "$module" --export "$auth_token;id=%01;type=cert" >holder.pem 2>/dev/null
}

# A TLS server with openssl's defaults (versions, signature schemes) that wants a certificate of the card's authority; says on
# a page what it negotiated. The port is in $port.
start_tls_server() { # more options of s_server
    openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -days 2 >req.out 2>&1
    openssl s_server -accept 127.0.0.1:0 -cert server.pem -key server.key -CAfile authority.pem -Verify 2 \
        -verify_return_error -www "$@" >server.out 2>&1 &
    pids="$pids $!"
    until_true grep -q '^ACCEPT' server.out
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\).*/\1/p' server.out | head -n 1)
}
