# ca-world.sh — sourced by the authorities' flow tests: a temporary folder with a token, the founded authorities and
# identities; openssl's own CMP client as the desk. $JPKI_CA is the program. Everything ends and goes with the script.
set -eu
W=$(mktemp -d "${TMPDIR:-/tmp}/jpki-ca-flow.XXXXXX")
export SOFTHSM2_CONF=$W/softhsm2.conf
MODULE=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -n 1)
PID=
OCSP=
trap '[ -z "$PID" ] || kill -9 "$PID" 2>/dev/null || true; [ -z "$OCSP" ] || kill -9 "$OCSP" 2>/dev/null || true; rm -rf "$W"' EXIT
CHECKS=0

fail() {
    echo "FAILED: $*" >&2
    [ ! -f "$W/log" ] || tail -n 20 "$W/log" >&2
    [ ! -f "$W/said" ] || tail -n 20 "$W/said" >&2
    exit 1
}
check() { # what, command …
    what=$1
    shift
    CHECKS=$((CHECKS + 1))
    "$@" > "$W/said" 2>&1 || fail "$what: $*"
}
refuse() { # what, command … : must fail with exit 1
    what=$1
    shift
    CHECKS=$((CHECKS + 1))
    code=0
    "$@" > "$W/said" 2>&1 || code=$?
    [ "$code" = 1 ] || fail "$what: exit $code instead of 1"
    [ -z "${VERBOSE:-}" ] || echo "$what: $(tail -n 1 "$W/said")"
}
refuse_words() { # what, words, command … : must fail with exit 1 and say so; in the file WORDS_IN as well as on its standard error
    what=$1
    words=$2
    shift 2
    refuse "$what" "$@"
    grep -q "$words" "$W/said" ${WORDS_IN:+"$WORDS_IN"} || fail "$what: '$words' is not said"
}
same() { # what, wanted, got
    CHECKS=$((CHECKS + 1))
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

soon() { # command … : within some seconds
    for _ in $(seq 600); do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

token() {
    mkdir -p "$W/tokens"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$W/tokens" > "$SOFTHSM2_CONF"
    (umask 077 && printf 4711 > "$W/pin")
    softhsm2-util --init-token --free --label jpki-flow --pin 4711 --so-pin 081500 > /dev/null
}
# Beside a PostgreSQL (tests/support/postgres.sh) the book is a schema of its own there, else ca.db in the state folder.
BOOK=
BOOKS=0
book() { # another, empty book for the next founding
    [ -n "${JPKI_TEST_STORE:-}" ] || return 0
    BOOKS=$((BOOKS + 1))
    psql -Xqd "$JPKI_TEST_STORE" -c "CREATE SCHEMA ca_$$_$BOOKS" || fail "no schema for the book"
    BOOK="$JPKI_TEST_STORE&options=-csearch_path%3Dca_$$_$BOOKS"
}
book
rows() { # SQL: what it gives, a line a row
    if [ -n "$BOOK" ]; then psql -XqAtd "$BOOK" -c "$1"; else sqlite3 "$W/ca/ca.db" "$1"; fi
}
found() {
    "$JPKI_CA" found --unattended --state "$W/ca" --token jpki-flow --module "$MODULE" --pin-file "$W/pin" ${BOOK:+--store "$BOOK"} "$@"
}
identity() { # role municipality folder
    "$JPKI_CA" identity --state "$W/ca" --role "$1" --name "$3" --municipality "$2" --out "$W/$3"
}
anchors() {
    for a in sign auth ops; do
        openssl x509 -inform DER -in "$W/ca/publication/$a/ca.cer" -out "$W/$a-ca.pem"
    done
}
founded() { # [role municipality name] … : the authorities in a token, with the identities of the intake and of an officer, and these
    token
    check "founding" found
    anchors
    check "identity" identity ca 000000 authority
    check "identity" identity desk-officer 462012 officer
    while [ $# -gt 0 ]; do
        check "identity" identity "$1" "$2" "$3"
        shift 3
    done
}
start() {
    rm -f "$W/pid"
    "$JPKI_CA" serve --state "$W/ca" --identity "$W/authority" --pid-file "$W/pid" --log "$W/log" > "$W/out" 2>> "$W/log" &
    PID=$!
    for _ in $(seq 600); do
        [ ! -f "$W/pid" ] || break
        kill -0 "$PID" 2> /dev/null || break
        sleep 0.05
    done
    [ -f "$W/pid" ] || return 1
    PORT=$(sed -n 's/listening on port //p' "$W/out")
}
stop() {
    kill "$PID"
    wait "$PID" || fail "serve did not end with 0"
    PID=
}

signer() { pgrep -P "$(pgrep -P "$PID")" jpki-signer; }
publisher() { pgrep -P "$(pgrep -P "$PID")" jpki-publisher; }

request_file() { # request municipality birth expiry [authNotAfter] > $W/req.cnf
    cat > "$W/req.cnf" << EOF
[cmp]
[ext]
subjectAltName=@san
2.25.17569514329208969544467099063828328176=ASN1:SEQUENCE:reg
[san]
otherName.1=1.2.392.200149.8.5.5.1;FORMAT:UTF8,UTF8:試験　花子
otherName.2=1.2.392.200149.8.5.5.4;UTF8:$3
otherName.3=1.2.392.200149.8.5.5.3;UTF8:2
otherName.4=1.2.392.200149.8.5.5.5;FORMAT:UTF8,UTF8:鹿児島県鹿児島市試験町１番地
otherName.5=1.2.392.200149.8.5.5.2;UTF8:00000
otherName.6=1.2.392.200149.8.5.5.6;UTF8:00000000000000
[reg]
request=UTF8:$1
municipality=PRINTABLESTRING:$2
card=PRINTABLESTRING:0000000000000001
expiry=GENERALIZEDTIME:$4
EOF
    [ -z "${5:-}" ] || printf 'auth=EXPLICIT:0,GENERALIZEDTIME:%s\n' "$5" >> "$W/req.cnf"
}
cmp() { # officer authority arguments …
    officer=$1
    authority=$2
    shift 2
    openssl cmp -config "$W/req.cnf" -section cmp -verbosity 4 -server "localhost:$PORT" -path "cmp/$authority" \
        -tls_used -tls_cert "$W/$officer/cert.pem" -tls_key "$W/$officer/key.pem" -tls_trusted "$W/ops-ca.pem" \
        -trusted "$W/ops-ca.pem" -recipient /CN=authority -cert "$W/$officer/cert.pem" -key "$W/$officer/key.pem" "$@"
}
ir() { # authority key certout [arguments …]
    authority=$1
    key=$2
    out=$3
    shift 3
    cmp officer "$authority" -cmd ir -newkey "$key" -subject /CN=request -reqexts ext -certout "$out" \
        -out_trusted "$W/$authority-ca.pem" "$@"
}
serial() { openssl x509 -in "$1" -noout -serial | sed 's/serial=//'; }
state() { "$JPKI_CA" certificate --state "$W/ca" --authority "$1" --serial "$2" | sed -n 's/^state: //p'; }
count() { # authority member
    "$JPKI_CA" status --state "$W/ca" --json | sed "s/.*\"$1\",\([^}]*\).*/\1/" | sed "s/.*\"$2\":\([0-9]*\).*/\1/"
}
number() { openssl crl -inform DER -in "$W/ca/publication/$1" -noout -crlnumber | sed 's/crlNumber=0x//'; }
rises() { [ $((0x$(number "$1"))) -gt "$2" ]; } # path, than
crl_pem() { # path below the publication
    openssl crl -inform DER -in "$W/ca/publication/$1"
}
call() { # identity method path [body]
    curl -sS --cacert "$W/ops-ca.pem" --cert "$W/$1/cert.pem" --key "$W/$1/key.pem" -X "$2" \
        ${4:+-H "Content-Type: application/json" -d "$4"} -w '\n%{http_code}' "https://localhost:$PORT$3"
}
start_ocsp() { # arguments …
    rm -f "$W/ocsp.pid"
    "$JPKI_CA" ocsp --state "$W/ca" --pid-file "$W/ocsp.pid" --log "$W/ocsp.log" "$@" > "$W/ocsp.out" 2>> "$W/ocsp.log" &
    OCSP=$!
    for _ in $(seq 600); do
        [ ! -f "$W/ocsp.pid" ] || break
        kill -0 "$OCSP" 2> /dev/null || break
        sleep 0.05
    done
    [ -f "$W/ocsp.pid" ] || return 1
    OCSP_PORT=$(sed -n 's/listening on port //p' "$W/ocsp.out")
}
stop_ocsp() {
    kill "$OCSP"
    wait "$OCSP" || fail "ocsp did not end with 0"
    OCSP=
}
ask() { # authority certificate arguments … : openssl's client checks signature, delegation and nonce
    authority=$1
    certificate=$2
    shift 2
    openssl ocsp -url "http://127.0.0.1:$OCSP_PORT/" ${DIGEST:-} -issuer "$W/$authority-ca.pem" -cert "$certificate" -CAfile "$W/$authority-ca.pem" \
        "$@" > "$W/said" 2>&1
}
says() { # what, wanted line, authority certificate arguments …
    what=$1
    wanted=$2
    shift 2
    CHECKS=$((CHECKS + 1))
    ask "$@" || true
    grep -q "$wanted" "$W/said" || fail "$what: no '$wanted'"
}
verified() { grep -q "Response verify OK" "$W/said" || fail "$1: the answer does not verify"; }
# Software that is not ours and not openssl: GnuTLS builds the path and reads the list, NSS builds the path. (NSS reads no list with a critical
# scope: those of municipalities it refuses as unknown, that of operations it takes.)
foreign() { # authority
    list=$W/ca/publication/$1/Kagoshima-ken/Kagoshima-shi.crl
    openssl crl -inform DER -in "$list" -out "$W/list.pem"
    check "certtool: path, $1" certtool --verify --load-ca-certificate "$W/$1-ca.pem" --infile "$W/$1.pem"
    check "certtool: list, $1" certtool --verify-crl --load-ca-certificate "$W/$1-ca.pem" --infile "$W/list.pem"
    rm -rf "$W/nss"
    mkdir "$W/nss"
    check "certutil" certutil -N -d "sql:$W/nss" --empty-password
    check "certutil: $1" certutil -A -d "sql:$W/nss" -n "$1" -t CT,C,C -i "$W/$1-ca.pem" -a
    check "certutil: ops" certutil -A -d "sql:$W/nss" -n ops -t CT,C,C -i "$W/ops-ca.pem" -a
    check "crlutil: the list of operations" crlutil -I -d "sql:$W/nss" -i "$W/ca/publication/ops/ca.crl"
    openssl x509 -in "$W/$1.pem" -outform DER -out "$W/leaf.der"
    check "vfychain: TLS client, $1" vfychain -d "sql:$W/nss" -pp -u 0 "$W/leaf.der"
    if [ "$1" = sign ]; then
        check "vfychain: signer of mail" vfychain -d "sql:$W/nss" -pp -u 4 "$W/leaf.der"
    else
        refuse "vfychain: an authentication certificate signs no mail" vfychain -d "sql:$W/nss" -pp -u 4 "$W/leaf.der"
    fi
}
# Every object of this world is sound.
lint_all() {
    check "the linter" "$JPKI_CA" lint "$W"/*-ca.pem "$W/sign.pem" "$W/auth.pem" "$W/officer/cert.pem" "$W/authority/cert.pem" \
        "$W"/ca/publication/*/*.crl "$W"/ca/publication/*/*/*.crl "$@"
    ! grep -v ": 0 findings$" "$W/said" > "$W/diff" || fail "the linter: $(cat "$W/diff")"
}
