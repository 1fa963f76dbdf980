#!/bin/sh
# ca-foreign.sh — certificates and lists as others read them: openssl, GnuTLS and NSS; and field by field against what is known of the
# real ones (docs/PROFILE.md).
. "$(dirname "$0")/ca-world.sh"

founded time-stamp 000000 stamper
check "serve" start
check "the responder" start_ocsp
for k in one two; do openssl genrsa -out "$W/$k.key" 2048 2> /dev/null; done
request_file enrol-1 462012 319800217 20350217145959Z
check "authentication" ir auth "$W/one.key" "$W/auth.pem"
check "signature" ir sign "$W/two.key" "$W/sign.pem"
for a in sign auth; do
    { cat "$W/$a-ca.pem"; crl_pem $a/ca.crl; crl_pem $a/Kagoshima-ken/Kagoshima-shi.crl; } > "$W/all.pem"
    check "openssl: $a" openssl verify -crl_check_all -x509_strict -policy_check -policy anyPolicy -CAfile "$W/all.pem" "$W/$a.pem"
    foreign $a
    openssl x509 -in "$W/ca/ocsp/$a.pem" -out "$W/$a-ocsp.pem"
    check "certtool: the responder of $a" certtool --verify --load-ca-certificate "$W/$a-ca.pem" --infile "$W/$a-ocsp.pem"
done
for c in officer authority stamper; do
    check "certtool: $c" certtool --verify --load-ca-certificate "$W/ops-ca.pem" --infile "$W/$c/cert.pem"
done
ask auth "$W/auth.pem" -respout "$W/answer.der" || fail "no answer to keep"
lint_all "$W/sign-ocsp.pem" "$W/auth-ocsp.pem" "$W/answer.der" "$W/stamper/cert.pem"
openssl x509 -in "$W/sign.pem" -outform DER -out "$W/flawed.der"
printf '\001' | dd of="$W/flawed.der" bs=1 seek=12 conv=notrunc 2> /dev/null # version 3 becomes 2
refuse "a certificate of version 2" "$JPKI_CA" lint "$W/flawed.der"
grep -q "version: must be 3 (RFC 5280 §4.1.2.1)" "$W/said" || fail "the linter names no version"
refuse "no such object" "$JPKI_CA" lint "$W/one.key"

# --- field by field ------------------------------------------------------------------------------------------------------------------
# The DER of each extension's value, by openssl asn1parse: OID order, criticality, bytes.
values() { # certificate: "name critical hex" a line each; hex of the short ones
    openssl asn1parse -in "$1" | sed -n '/cont \[ 3 \]/,$p' | awk '
        / OBJECT / && /X509v3|Authority Information/ { sub(/.*OBJECT *:/, ""); name = $0; critical = "no" }
        / BOOLEAN / { critical = "yes" }
        / OCTET STRING / && name { sub(/.*\[HEX DUMP\]:/, ""); print name "|" critical "|" (length($0) <= 48 ? $0 : ""); name = "" }'
}
row() { # what, certificate, wanted lines
    CHECKS=$((CHECKS + 1))
    values "$2" > "$W/said"
    [ "$(cat "$W/said")" = "$3" ] || fail "$1: wanted
$3"
}
KEY='X509v3 Subject Key Identifier|no|'
ski() { values "$1" | sed -n "s/^$KEY//p"; }
for a in sign auth; do
    row "$a-ca" "$W/$a-ca.pem" "X509v3 Key Usage|yes|03020106
X509v3 Subject Alternative Name|no|
X509v3 Basic Constraints|yes|30030101FF
X509v3 CRL Distribution Points|no|
$KEY$(ski "$W/$a-ca.pem")"
done
row "sign" "$W/sign.pem" "X509v3 Key Usage|yes|030206C0
X509v3 Subject Alternative Name|no|
X509v3 Certificate Policies|yes|
X509v3 Issuer Alternative Name|no|
X509v3 CRL Distribution Points|no|
X509v3 Authority Key Identifier|no|
$KEY$(ski "$W/sign.pem")"
row "auth" "$W/auth.pem" "X509v3 Key Usage|yes|03020780
X509v3 Extended Key Usage|no|300A06082B06010505070302
X509v3 Certificate Policies|yes|
X509v3 Issuer Alternative Name|no|
X509v3 CRL Distribution Points|no|
Authority Information Access|no|
X509v3 Authority Key Identifier|no|
$KEY$(ski "$W/auth.pem")"
text() { openssl x509 -in "$1" -noout -text -nameopt RFC2253,utf8,-esc_msb -certopt no_sigdump,no_pubkey; }
has() { # what, certificate, words
    CHECKS=$((CHECKS + 1))
    text "$2" > "$W/said"
    grep -qF -- "$3" "$W/said" || fail "$1: no '$3'"
}
J="OU=地方公共団体情報システム機構"
for a in sign auth; do
    unit=$([ $a = sign ] && echo "JPKI for digital signature" || echo "JPKI for user authentication")
    japanese=$([ $a = sign ] && echo 公的個人認証サービス署名用 || echo 公的個人認証サービス利用者証明用)
    dn="OU=Japan Agency for Local Authority Information Systems,OU=$unit,O=JPKI-TEST,C=JP"
    has "$a-ca: name" "$W/$a-ca.pem" "Subject: $dn"
    has "$a: issuer" "$W/$a.pem" "Issuer: $dn"
    has "$a: CPS" "$W/$a.pem" "CPS: http://www.jpki.go.jp/cps.html"
    has "$a: version" "$W/$a.pem" "Version: 3 (0x2)"
    has "$a: algorithm" "$W/$a.pem" "sha256WithRSAEncryption"
    has "$a: the issuer's number in the key identifier" "$W/$a.pem" "serial:$(serial "$W/$a-ca.pem" | sed 's/../&:/g; s/:$//')"
    for c in "$W/$a-ca.pem" "$W/$a.pem"; do
        openssl asn1parse -in "$c" | grep -qF "UTF8STRING        :$japanese" || openssl asn1parse -in "$c" -strparse "$(openssl asn1parse -in "$c" | grep -A2 "$([ "$c" = "$W/$a.pem" ] && echo "Issuer Alternative" || echo "Subject Alternative")" | sed -n 's/^ *\([0-9]*\):.*OCTET STRING.*/\1/p' | head -n 1)" | grep -qF "$japanese" || fail "$a: no $japanese in $c"
        CHECKS=$((CHECKS + 1))
    done
    has "$a: point" "$W/$a.pem" "CN = Kagoshima-shi CRLDP"
    same "$a: four bytes of number" 8 "$(serial "$W/$a.pem" | tr -d '\n' | wc -c)"
    same "$a: times are UTCTime" 2 "$(openssl asn1parse -in "$W/$a.pem" | grep -c UTCTIME)"
done
has "sign: subject" "$W/sign.pem" "L=Kagoshima-shi,L=Kagoshima-ken,C=JP"
has "sign: policy" "$W/sign.pem" "Policy: 1.2.392.200149.8.5.1.0.20"
has "auth: policy" "$W/auth.pem" "Policy: 1.2.392.200149.8.5.1.3.30"
has "auth: OCSP" "$W/auth.pem" "OCSP - URI:http://ocspauthnorm.jpki-test.invalid"
stop_ocsp
stop
echo "$CHECKS checks"
