#!/bin/bash
# The module under Java's SunPKCS11: keytool, signatures with both paddings, TLS 1.2 and 1.3 logins, jarsigner, and going on
# after the card was taken out and put back. Both keys.
. "$(dirname "$0")/card_lib.sh"
export_certs
start_tls_server
printf 'name = auth\nlibrary = %s\nslotListIndex = 0\ninsertionCheckInterval = 100\n' "$auth_module" >auth.cfg
printf 'name = sign\nlibrary = %s\nslotListIndex = 1\ninsertionCheckInterval = 100\n' "$module" >sign.cfg
export JAVA_TOOL_OPTIONS="-Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

for key in "auth 1234" "sign ABC123"; do
    read -r name pin <<<"$key"
    begin "$name: keytool -list -v"
    keytool -list -v -keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg $name.cfg \
        -storepass "$pin" >out.out 2>&1
    want 'Entry type: PrivateKeyEntry' out.out
    want 'Certificate chain length: 2' out.out
    say
done

client() { # config, PIN, alias, more arguments
    local config=$1 pin=$2 line
    shift 2
    rm -f to from
    mkfifo to from
    java "$tests/CardClient.java" "$config" "$@" <to >from 2>client.out &
    local java_pid=$!
    pids="$pids $java_pid"
    exec 8>to 9<from
    echo "$pin" >&8
    while read -r line <&9; do
        case $line in
        'take it out') remove_card; echo done >&8 ;;
        'put it in') insert_card; echo done >&8 ;;
        *) echo "  $line" ;;
        esac
    done
    exec 8>&- 9<&-
    wait "$java_pid"
}
begin "auth: signatures, TLS, remove and reinsert"
client auth.cfg 1234 "User Authentication Certificate" server.pem "$port"
say
begin "sign: signatures, remove and reinsert"
client sign.cfg ABC123 "Digital Signature Certificate"
say

begin "jarsigner with the signature key"
mkdir jar && cp data jar/
jar cf in.jar -C jar . 2>out.out
jarsigner -keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg sign.cfg \
    -storepass ABC123 -signedjar out.jar in.jar 'Digital Signature Certificate' >out.out 2>&1
jarsigner -verify out.jar >out.out 2>&1
want 'jar verified' out.out
say
begin "no try was lost"
pkcs11-tool --module "$module" -L >out.out 2>&1
refuse 'PIN try' out.out
say
