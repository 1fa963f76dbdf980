# steps.sh — the story, a function a step; sourced by demo.sh. Every line that it prints was checked by a command that
# could have failed; the commands and what they said are in the world's log/demo.log.

CARD_EXPIRY=$(date -u -d '+10 years' +%Y-%m-%d) # once: a torn enrolment that goes on after midnight is the same one

# --- the ground: an HSM token and certificates for computers and officers ---------------------------------------------

identity() { # folder name, role, municipality code, name
    "$PROGRAM_CA" identity --state "$WORLD/ca" --role "$2" --municipality "$3" --name "$4" --out "$WORLD/identities/$1"
}

all_identities() {
    identity municipal node-municipal $CODE_OF_TOWN "Kagoshima-shi CS" &&
        identity national node-national 000000 "National node" &&
        identity ca ca 000000 "CA intake" &&
        identity officer desk-officer $CODE_OF_TOWN "Counter officer" &&
        identity registrar registrar $CODE_OF_TOWN "Registrar" &&
        identity verifier verifier 000000 "Relying party" &&
        identity tsa time-stamp 000000 "Time-stamping authority"
}

story_ground() {
    mapfile -t PORTS < <(free_ports 4)
    NATIONAL=https://127.0.0.1:${PORTS[0]} MUNICIPAL=https://127.0.0.1:${PORTS[1]} CA=https://127.0.0.1:${PORTS[2]}
    TLS_PORT=${PORTS[3]}
}

# --- 1 ----------------------------------------------------------------------------------------------------------------

ca_certificates_hold() {
    local authority
    for authority in sign auth; do
        openssl verify -CAfile <(openssl x509 -inform DER -in "$WORLD/publication/$authority/ca.cer") -check_ss_sig \
            <(openssl x509 -inform DER -in "$WORLD/publication/$authority/ca.cer") || return 1
        openssl x509 -inform DER -in "$WORLD/publication/$authority/ca.cer" -noout -subject -nameopt RFC2253,utf8 |
            grep -q 'O=JPKI-TEST,C=JP$' || return 1
    done
}

keys_stay_in_the_hsm() {
    HSM_PIN=$(cat "$WORLD/hsm/pin")
    export HSM_PIN
    local listing keys never
    listing=$(pkcs11-tool --module "$SOFTHSM" --token-label jpki-ca --login --pin env:HSM_PIN -O --type privkey 2>/dev/null)
    unset HSM_PIN
    keys=$(grep -c 'Private Key Object' <<<"$listing")
    never=$(grep -c 'never extractable' <<<"$listing")
    echo "$listing"
    [ "$keys" -eq 3 ] && [ "$never" -eq 3 ]
}

story_authorities() {
    say "[1/8] The certification authorities" "[1/8] 認証局"
    check "a token in SoftHSM2 with PINs of its own" "SoftHSM2 のトークンを用意" new_hsm_token
    check "signature CA and authentication CA founded, and an operations CA for computers and officers; keys made inside SoftHSM2" \
        "署名用認証局、利用者証明用認証局と、計算機・職員のための運用認証局を設置 (鍵は SoftHSM2 内で生成)" \
        "$PROGRAM_CA" found --unattended --state "$WORLD/ca" --token jpki-ca --module "$SOFTHSM" --pin-file "$WORLD/hsm/pin" \
        --organisation JPKI-TEST --publication "$WORLD/publication"
    check "pkcs11-tool: the private keys never leave the token" "pkcs11-tool で確認: 秘密鍵はトークンから取り出せない" keys_stay_in_the_hsm
    check "openssl: both self-signed certificates hold, O=JPKI-TEST" "openssl で確認: 自己署名証明書は正しい (O=JPKI-TEST)" ca_certificates_hold
    check "identities for two registry nodes, the CA, a counter officer, a registrar, a relying party, a time-stamping authority" \
        "身分証明: 登録網の二拠点、認証局、窓口職員、住民記録職員、署名検証者、時刻認証局" all_identities
    check "the CA is running: an intake with no key, a signer with no network" "認証局が稼働 (受付は鍵を持たず、署名部は通信しない)" \
        start_daemon ca "$PROGRAM_CA" serve --state "$WORLD/ca" --identity "$WORLD/identities/ca" --publication "$WORLD/publication" --port "${PORTS[2]}"
}

# --- 2 ----------------------------------------------------------------------------------------------------------------

start_registries() {
    openssl x509 -inform DER -in "$WORLD/publication/sign/ca.cer" -out "$WORLD/sign-ca.pem" &&
        start_daemon national "$PROGRAM_REGISTRY" serve --role national --store "$WORLD/national.db" \
            --identity "$WORLD/identities/national" --port "${PORTS[0]}" --ca "$CA" --sign-ca "$WORLD/sign-ca.pem" &&
        start_daemon municipal "$PROGRAM_REGISTRY" serve --role municipal --store "$WORLD/municipal.db" \
            --identity "$WORLD/identities/municipal" --port "${PORTS[1]}" --national "$NATIONAL"
}

ask() { # identity, method and data for curl, URL: what the node answers, over mutual TLS
    local who=$WORLD/identities/$1
    shift
    env -u CURL_CA_BUNDLE -u SSL_CERT_FILE curl -sS --fail --noproxy '*' --cacert "$who/ca.pem" --cert "$who/cert.pem" \
        --key "$who/key.pem" "$@"
}

residents_arrived() {
    ask municipal "$NATIONAL/v1/health" | grep -q '"residents": *1000' && ask municipal "$MUNICIPAL/v1/health" | grep -q '"outbox": *0'
}

no_certificate_no_answer() {
    ! env -u CURL_CA_BUNDLE -u SSL_CERT_FILE curl -sS --fail --noproxy '*' --cacert "$WORLD/identities/municipal/ca.pem" "$NATIONAL/v1/health"
}

story_registries() {
    say "[2/8] The resident registry" "[2/8] 住民基本台帳ネットワーク"
    check "a synthetic town of 1,000 residents in the ledger of Kagoshima-shi" "鹿児島市の台帳に合成住民 1,000 人を登録" \
        "$PROGRAM_REGISTRY" populate --store "$WORLD/municipal.db" --municipality $CODE_OF_TOWN --residents 1000 --seed 1
    check "the municipal node and the national node are running" "市町村ノードと全国ノードが稼働" start_registries
    check "all 1,000 have reached the national node over mutually authenticated TLS" "1,000 人すべてが相互認証 TLS で全国ノードに届いた" \
        until_true residents_arrived
    check "a client without a certificate gets no answer" "証明書のない接続は拒否される" no_certificate_no_answer
}

# --- 3 ----------------------------------------------------------------------------------------------------------------

start_card() {
    start_daemon card "$PROGRAM_SIM" run --card "$WORLD/cards/resident.card" --socket "$WORLD/run/card.sock" \
        --trace "$WORLD/log/card.trace" "$@"
}

story_card() {
    say "[3/8] The card" "[3/8] カード"
    check "a blank card" "白カードを作成" "$PROGRAM_SIM" create --card "$WORLD/cards/resident.card" --issuer-key "$WORLD/cards/issuer.key"
    PCSC=yes
    if ! start_pcscd; then
        PCSC=
        say "      ! no PC/SC here (pcscd: $NO_PCSCD): our programs use the simulator's own socket instead" \
            "      ! PC/SC を使えないため (pcscd: $NO_PCSCD)、シミュレータのソケットを直接使います"
        skip "the card in the virtual reader of a real pcscd" "実物の pcscd の仮想リーダー"
        skip "opensc-tool sees the card" "opensc-tool によるカードの認識"
        check "the card on the simulator's socket" "シミュレータのソケットにカードを挿入" start_card
        export JPKI_READER=sim:$WORLD/run/card.sock
        return
    fi
    check "the card in the virtual reader of a real pcscd" "実物の pcscd の仮想リーダーにカードを挿入" start_card --vpcd "127.0.0.1:$VPCD_PORT"
    check "opensc-tool sees it" "opensc-tool がカードを認識" until_true card_present
    export JPKI_READER="pcsc:$VPCD_READER"
}

# --- 4 ----------------------------------------------------------------------------------------------------------------

choose_resident() {
    "$PROGRAM_REGISTRY" sample --store "$WORLD/municipal.db" --adult --count 1 >"$WORLD/resident.json" &&
        RESIDENT=$(json_member code <"$WORLD/resident.json") && [ ${#RESIDENT} -eq 11 ]
}

json_member() { # name: the text or number of a top-level member of the JSON object on standard input
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

enrol() {
    "$PROGRAM_DESK" enrol --identity "$WORLD/identities/officer" --registry "$MUNICIPAL" --ca "$CA" \
        --issuer-key "$WORLD/cards/issuer.key" --state "$WORLD/desk" --publication "$WORLD/publication" --code "$RESIDENT" \
        --card-expiry "$CARD_EXPIRY" --pins-fd 3 --yes 3<<PINS
$AUTH_PIN
$SIGN_PIN
PINS
}

certificates_active() {
    local which serial
    for which in auth sign; do
        serial=$(certificate_serial $which) || return 1
        ask officer "$CA/v1/certificates/$which/$serial" | grep -q '"state": *"active"' || return 1
    done
}

certificate() { # auth, sign, auth-ca or sign-ca: writes documents/NAME.pem, read from the card
    case $1 in
    sign) "$PROGRAM_JPKI" card certificate --which sign --pin-fd 3 --pem --out "$WORLD/documents/$1.pem" 3<<<"$SIGN_PIN" ;;
    *) "$PROGRAM_JPKI" card certificate --which "$1" --pem --out "$WORLD/documents/$1.pem" ;;
    esac
}

all_certificates() {
    local which
    for which in auth sign auth-ca sign-ca; do
        rm -f "$WORLD/documents/$which.pem"
        certificate $which || return 1
    done
}

certificate_serial() { # auth or sign
    openssl x509 -in "$WORLD/documents/$1.pem" -noout -serial | sed 's/^serial=//'
}

paths_hold() {
    local which
    for which in auth sign; do
        openssl verify -x509_strict -CAfile "$WORLD/documents/$which-ca.pem" "$WORLD/documents/$which.pem" || return 1
    done
}

story_desk() {
    say "[4/8] The counter" "[4/8] 窓口"
    check "a resident is chosen from the ledger" "台帳から住民を一人選ぶ" choose_resident
    check "enrolled: confirmed in the registry; both RSA-2048 key pairs made by the card; both certificates by CMP with the card's own proof of possession; PINs set; all read back and compared; only then confirmed" \
        "発行: 台帳で本人確認、カード自身が RSA-2048 鍵ペアを二つ生成、CMP で両証明書を取得 (カード自身の鍵による所持証明)、暗証番号を設定、すべて読み戻して照合、その後に確認を送信" \
        enrol
    sed -n 's/^/        /p' "$WORLD/log/last"
    check "every certificate read from the card" "カードから全証明書を読み出す" all_certificates
    check "openssl: both paths hold" "openssl で確認: 両証明書の検証経路は正しい" paths_hold
    check "the CA calls both certificates active" "認証局は両証明書を有効とする" certificates_active
}

# --- 5 ----------------------------------------------------------------------------------------------------------------

# The certificate with the id as a module shows it. module, token label, id, PIN (empty: none), output
object() {
    local module=$1 token=$2 id=$3 pin=$4 out=$5
    if [ -n "$pin" ]; then
        TOOL_PIN=$pin pkcs11-tool --module "$module" --token-label "$token" --login --pin env:TOOL_PIN --read-object --type cert --id "$id" -o "$out"
    else
        pkcs11-tool --module "$module" --token-label "$token" --read-object --type cert --id "$id" -o "$out"
    fi
}

AUTH_TOKEN='JPKI (User Authentication)'
SIGN_TOKEN='JPKI (Digital Signature)'

# OpenSC shows both CA certificates in its authentication token.
modules_agree() {
    local other in=$WORLD/documents row
    other=$(find /usr/lib -name opensc-pkcs11.so | head -n 1)
    for row in "auth:01:JPKI (User Authentication PIN):$AUTH_TOKEN:" "auth-ca:03:JPKI (User Authentication PIN):$AUTH_TOKEN:" \
        "sign:02:JPKI (Digital Signature PIN):$SIGN_TOKEN:$SIGN_PIN" "sign-ca:04:JPKI (User Authentication PIN):$SIGN_TOKEN:"; do
        local name id theirs ours pin
        IFS=: read -r name id theirs ours pin <<<"$row"
        object "$other" "$theirs" "$id" "$pin" "$in/opensc-$name.der" && object "$MODULE" "$ours" "$id" "$pin" "$in/ours-$name.der" &&
            cmp "$in/opensc-$name.der" "$in/ours-$name.der" && [ "$(wc -c <"$in/ours-$name.der")" -gt 700 ] || return 1
    done
}

tool_signs() { # token label, id, the variable with the PIN (what a step is called with goes into the log), certificate name
    printf 'a message of %s\n' "$4" >"$WORLD/documents/message"
    TOOL_PIN=${!3} pkcs11-tool --module "$MODULE" --token-label "$1" --login --pin env:TOOL_PIN --sign --mechanism SHA256-RSA-PKCS --id "$2" \
        -i "$WORLD/documents/message" -o "$WORLD/documents/message.sig" &&
        openssl x509 -in "$WORLD/documents/$4.pem" -noout -pubkey >"$WORLD/documents/$4.pub" &&
        openssl dgst -sha256 -verify "$WORLD/documents/$4.pub" -signature "$WORLD/documents/message.sig" "$WORLD/documents/message"
}

list_tokens() {
    pkcs11-tool --module "$MODULE" -L | tee "$WORLD/documents/tokens"
    grep -q "$AUTH_TOKEN" "$WORLD/documents/tokens" && grep -q "$SIGN_TOKEN" "$WORLD/documents/tokens"
}

story_modules() {
    say "[5/8] The module" "[5/8] PKCS#11 モジュール"
    check "jpki-pkcs11.so lists the card" "jpki-pkcs11.so がカードを一覧" list_tokens
    if [ -n "$PCSC" ]; then
        check "OpenSC's stock module lists it too, and agrees on every byte of the four certificates" \
            "OpenSC 標準モジュールも一覧し、四つの証明書は 1 バイトも違わない" modules_agree
    else
        skip "OpenSC's module lists the card, and agrees with ours on every byte" "OpenSC のモジュールとの一覧・証明書の比較"
    fi
    check "pkcs11-tool signs with the authentication key (4-digit PIN), openssl verifies" \
        "pkcs11-tool が利用者証明用鍵で署名 (4 桁の暗証番号)、openssl が検証" tool_signs "$AUTH_TOKEN" 01 AUTH_PIN auth
    check "pkcs11-tool signs with the signature key (6-16 character PIN), openssl verifies" \
        "pkcs11-tool が署名用鍵で署名 (6～16 文字の暗証番号)、openssl が検証" tool_signs "$SIGN_TOKEN" 02 SIGN_PIN sign
}

# --- 6 ----------------------------------------------------------------------------------------------------------------

sign_file() { # format, file, output
    "$PROGRAM_JPKI" sign --format "$1" --pin-fd 3 --out "$3" "$2" 3<<<"$SIGN_PIN"
}

openssl_accepts() {
    openssl cms -verify -inform DER -in "$WORLD/documents/request.txt.p7s" -content "$WORLD/documents/request.txt" -binary \
        -CAfile "$WORLD/documents/sign-ca.pem" -purpose any -out "$WORLD/documents/verified" && cmp "$WORLD/documents/verified" "$WORLD/documents/request.txt"
}

xmlsec1_accepts() {
    xmlsec1 --verify --trusted-pem "$WORLD/documents/sign-ca.pem" --enabled-key-data x509 "$WORLD/documents/return-signed.xml"
}

time_stamp() { # file: an RFC 3161 time-stamp over it, made by openssl
    cat >"$WORLD/documents/tsa.cnf" <<CONF
[tsa]
default_tsa = demo
[demo]
serial = $WORLD/documents/tsa.serial
default_policy = 1.3.6.1.4.1.4146.2.3
signer_digest = sha256
digests = sha256
ess_cert_id_chain = no
ess_cert_id_alg = sha256
CONF
    [ -f "$WORLD/documents/tsa.serial" ] || echo 01 >"$WORLD/documents/tsa.serial"
    openssl ts -query -data "$1" -sha256 -cert -out "$1.tsq" &&
        openssl ts -reply -config "$WORLD/documents/tsa.cnf" -queryfile "$1.tsq" -signer "$WORLD/identities/tsa/cert.pem" \
            -inkey "$WORLD/identities/tsa/key.pem" -out "$1.tsr" &&
        (cd "$WORLD/identities/tsa" && # openssl takes a blank in a name after -untrusted for the next name
            openssl ts -verify -data "$1" -in "$1.tsr" -CAfile ca.pem -untrusted cert.pem)
}

story_signatures() {
    say "[6/8] Signatures" "[6/8] 署名"
    printf 'I apply for a copy of my tax certificate.\n納税証明書の交付を申請します。\n' >"$WORLD/documents/request.txt"
    cat >"$WORLD/documents/return.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<taxReturn xmlns="urn:example:tax-return" year="2025"><income currency="JPY">4123000</income><note>確定申告書</note></taxReturn>
XML
    check "jpki sign: a text file (CMS, detached)" "jpki sign: テキストファイルに署名 (CMS 分離署名)" \
        sign_file cms "$WORLD/documents/request.txt" "$WORLD/documents/request.txt.p7s"
    check "jpki sign: a tax return (XML-DSig)" "jpki sign: 申告書に署名 (XML 署名)" \
        sign_file xml "$WORLD/documents/return.xml" "$WORLD/documents/return-signed.xml"
    check "openssl cms -verify accepts the first" "openssl cms -verify が受理" openssl_accepts
    check "xmlsec1 --verify accepts the second" "xmlsec1 --verify が受理" xmlsec1_accepts
    check "a time-stamping authority (openssl ts) has seen the text file's signature" "時刻認証局 (openssl ts) が署名の存在を証明" \
        time_stamp "$WORLD/documents/request.txt.p7s"
}

# --- 7 ----------------------------------------------------------------------------------------------------------------

verify() { # further options and the file
    "$PROGRAM_JPKI" verify --trust "$WORLD/publication/sign/ca.cer" --crl-folder "$WORLD/publication" --registry "$NATIONAL" \
        --identity "$WORLD/identities/verifier" "$@"
}

show_verdict() {
    sed 's/^/        /' "$WORLD/log/last"
}

says() { # pattern, command…: the command succeeds and says it
    local pattern=$1
    shift
    "$@" | tee "$WORLD/log/said"
    [ "${PIPESTATUS[0]}" -eq 0 ] && grep -q -- "$pattern" "$WORLD/log/said"
}

newest_attributes() { # what the national node tells the relying party of the signature certificate's person
    "$PROGRAM_REGISTRY" confirm --attributes --node "$NATIONAL" --identity "$WORLD/identities/verifier" --authority sign \
        --serial "$(certificate_serial sign)"
}

consent() { # name of the document, and further options of the draft: written, signed by the card, brought by the relying party
    local text=$WORLD/documents/$1.json
    shift
    [ -f "$text" ] || "$PROGRAM_REGISTRY" consent draft --service "Relying party" "$@" >"$text" || return 1
    [ -f "$text.p7s" ] || sign_file cms "$text" "$text.p7s" || return 1
    "$PROGRAM_REGISTRY" consent send --node "$NATIONAL" --identity "$WORLD/identities/verifier" --document "$text" --signature "$text.p7s" "$@"
}

tampered_copy() {
    sed 's/4123000/1123000/' "$WORLD/documents/return-signed.xml" >"$WORLD/documents/return-tampered.xml"
}

story_verdict() {
    say "[7/8] The verdict" "[7/8] 検証"
    check "jpki verify: the text file's signature is VALID" "jpki verify: テキストファイルの署名は VALID" \
        says '^VALID' verify --content "$WORLD/documents/request.txt" "$WORLD/documents/request.txt.p7s"
    show_verdict
    check "jpki verify: the tax return's signature is VALID" "jpki verify: 申告書の署名は VALID" says '^VALID' verify "$WORLD/documents/return-signed.xml"
    show_verdict
    tampered_copy
    check_refused "jpki verify: with another income in it, it is not" "jpki verify: 所得を書き換えると受理しない" '^INVALID' \
        verify "$WORLD/documents/return-tampered.xml"
    check_refused "the newest four attributes are not for the relying party without the resident's consent" \
        "最新の四情報は、本人の同意がなければ提供されない" 'RC_DENIED' newest_attributes
    check "the resident consents: jpki sign with the card, the national node verifies and keeps it" \
        "本人が同意: カードで jpki sign、全国ノードが検証して記録" consent consent
}

# --- 8 ----------------------------------------------------------------------------------------------------------------

move_house() {
    sleep 1 # so that the move is later than the time-stamp by the clock's own second
    "$PROGRAM_REGISTRY" move --node "$MUNICIPAL" --identity "$WORLD/identities/registrar" --code "$RESIDENT" \
        --address "鹿児島県鹿児島市山下町１１番１号" --date "$(date -u +%Y-%m-%d)" --request move-1
}

certificate_revoked() {
    ask officer "$CA/v1/certificates/sign/$(certificate_serial sign)" | tee "$WORLD/log/said"
    grep -q '"state": *"revoked"' "$WORLD/log/said" && grep -q 'affiliationChanged' "$WORLD/log/said"
}

crl_names_it() {
    local crl
    crl=$(find "$WORLD/publication/sign" -mindepth 2 -name '*.crl' | head -n 1)
    openssl crl -inform DER -in "$crl" -noout -text | grep -A4 -i "Serial Number: $(certificate_serial sign)" | grep -q 'Affiliation Changed'
}

story_move() {
    say "[8/8] The resident moves house" "[8/8] 転居"
    check "the municipal node records it" "市町村ノードが転居を記録" move_house
    check "the national node learns of it, and the CA revokes the signature certificate (affiliationChanged)" \
        "全国ノードに伝わり、認証局が署名用証明書を失効 (affiliationChanged)" until_true certificate_revoked
    check "openssl crl: the new CRL names it" "openssl crl で確認: 新しい失効リストに載っている" until_true crl_names_it
    check_refused "jpki verify: the same file is now REVOKED, with the time" "jpki verify: 同じファイルは REVOKED (失効時刻つき)" '^REVOKED' \
        verify --content "$WORLD/documents/request.txt" "$WORLD/documents/request.txt.p7s"
    show_verdict
    check "with the consent, the relying party hears the new address" "同意により、署名検証者は新しい住所を知る" \
        says '山下町１１番１号' newest_attributes
    check "the resident withdraws, signed with the same card" "本人が同意を撤回 (同じカードで署名)" consent withdrawal --withdraw
    check_refused "and nothing is told any more" "以後は提供されない" 'RC_DENIED' newest_attributes
    check "jpki verify: with the time-stamp from before, it is VALID as of that time (EN 319 102-1: TOTAL_PASSED)" \
        "jpki verify: 失効前のタイムスタンプがあれば、その時点で VALID (EN 319 102-1: TOTAL_PASSED)" \
        says '^VALID' verify --time-stamp "$WORLD/documents/request.txt.p7s.tsr" --time-stamp-trust "$WORLD/identities/tsa/ca.pem" \
        --content "$WORLD/documents/request.txt" "$WORLD/documents/request.txt.p7s"
    show_verdict
}

# A server of openssl's own that wants a client certificate and checks the CRL. -tls1_2 or -tls1_3
start_tls_server() {
    openssl s_server -accept "127.0.0.1:$TLS_PORT" "$1" -cert "$WORLD/identities/verifier/cert.pem" -key "$WORLD/identities/verifier/key.pem" \
        -CAfile "$WORLD/documents/auth-ca.pem" -CRL "$WORLD/documents/auth.crl.pem" -crl_check -Verify 1 -verify_return_error -www \
        >"$WORLD/log/s_server$1.log" 2>&1 </dev/null &
    echo $! >"$WORLD/run/s_server.pid"
    until_true port_open "$TLS_PORT"
}

login() { # -tls1_2 or -tls1_3, GnuTLS's name of the version
    local crl status
    crl=$(find "$WORLD/publication/auth" -mindepth 2 -name '*.crl' | head -n 1)
    openssl crl -inform DER -in "$crl" -out "$WORLD/documents/auth.crl.pem" && start_tls_server "$1" || return 1
    printf 'GET / HTTP/1.0\r\n\r\n' | GNUTLS_PIN=$AUTH_PIN timeout 20 gnutls-cli --provider "$MODULE" --port "$TLS_PORT" --x509cafile "$WORLD/identities/verifier/ca.pem" \
        --x509certfile "pkcs11:token=JPKI%20%28User%20Authentication%29;id=%01;type=cert" \
        --x509keyfile "pkcs11:token=JPKI%20%28User%20Authentication%29;id=%01;type=private" localhost | tee "$WORLD/log/login$1.log"
    status=${PIPESTATUS[1]}
    kill_daemon s_server
    rm -f "$WORLD/run/s_server.pid"
    [ "$status" -eq 0 ] && grep -q "^- Description: ($2-" "$WORLD/log/login$1.log" && grep -q 'Verify return code: 0 (ok)' "$WORLD/log/login$1.log"
}

login_with_pss() {
    login -tls1_3 TLS1.3 && grep -q '^Peer signature type: RSA-PSS' "$WORLD/log/login-tls1_3.log" &&
        tail -n 3 "$WORLD/log/card.trace" | grep -q '> 80 2A 04 .*< 9000'
}

story_login() {
    check "the authentication certificate is untouched: gnutls-cli logs in with the card over TLS 1.2 (the server checks the CRL)" \
        "利用者証明用証明書は有効のまま: gnutls-cli がカードで TLS 1.2 ログイン (サーバーは失効リストを確認)" login -tls1_2 TLS1.2
    check "and over TLS 1.3, with an RSASSA-PSS signature made by the card" "TLS 1.3 でもログイン (RSASSA-PSS 署名はカードが生成)" login_with_pss
}

# --- the end ----------------------------------------------------------------------------------------------------------

story_end() {
    local took=$(($(date +%s) - STARTED))
    echo
    if [ "$SKIPPED" -eq 0 ]; then
        say "Every step held ($took s)." "すべて成立しました ($took 秒)。"
    else
        say "Every step that was taken held ($took s); $SKIPPED that need PC/SC were skipped, as said above." \
            "行った手順はすべて成立しました ($took 秒)。PC/SC が必要な $SKIPPED 件は上記のとおり省略しました。"
    fi
    say "The world goes on in $WORLD. Look around in it:" "世界は $WORLD で動き続けています。見て回るには:"
    local module program world
    module=$(shell_word "$MODULE") program=$(shell_word "$PROGRAM_JPKI") world=$(shell_word "$WORLD")
    cat <<TXT
  export JPKI_READER=$(shell_word "$JPKI_READER")
  $program card status
  pkcs11-tool --module $module -L
  pkcs11-tool --module $module -O
TXT
    say "PINs of this card: $AUTH_PIN (authentication), $SIGN_PIN (signature)." "このカードの暗証番号: $AUTH_PIN (利用者証明用)、$SIGN_PIN (署名用)"
    say "Stop it:   demo/demo.sh --world $world --stop" "止める:   demo/demo.sh --world $world --stop"
    say "Remove it: demo/demo.sh --world $world --remove" "消す:     demo/demo.sh --world $world --remove"
}
