#!/bin/bash
# The module under the tools that people have: OpenSC's pkcs11-tool, GnuTLS's p11tool and gnutls-cli, with openssl as the
# judge of every signature and as the TLS server.
. "$(dirname "$0")/card_lib.sh"

begin "pkcs11-tool -L"
pkcs11-tool --module "$module" -L >out.out 2>&1
want 'JPKI (User Authentication)' out.out; want 'JPKI (Digital Signature)' out.out
want 'pin min/max        : 4/4' out.out; want 'pin min/max        : 6/16' out.out
[ "$(wc -l <trace)" -le 5 ]
say
begin "pkcs11-tool -O and -M"
pkcs11-tool --module "$module" -O >out.out 2>&1
want 'User Authentication Certificate$' out.out; want 'User Authentication Certificate CA' out.out; refuse 'Private Key' out.out
pkcs11-tool --module "$module" --slot-index 1 -O >out.out 2>&1
want 'Digital Signature Certificate CA' out.out; refuse 'Digital Signature Certificate$' out.out
pkcs11-tool --module "$module" -M >out.out 2>&1
want 'RSA-PKCS-PSS' out.out; want 'SHA256-RSA-PKCS,' out.out
say
begin "one token each"
pkcs11-tool --module "$auth_module" -L >out.out 2>&1
want 'User Authentication' out.out; refuse 'Digital Signature' out.out
pkcs11-tool --module "$sign_module" -L >out.out 2>&1
want 'Digital Signature' out.out; refuse 'User Authentication' out.out
say

pss_openssl="-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
for key in "0 1234 01" "1 ABC123 02" "1 abc123 02"; do
    read -r slot pin id <<<"$key"
    tool="pkcs11-tool --module $module --slot-index $slot --login --pin $pin --id $id"
    $tool --read-object --type pubkey -o public.der >out.out 2>&1
    for mechanism in SHA1 SHA224 SHA256 SHA384 SHA512; do
        begin "slot $slot: $mechanism-RSA-PKCS"
        $tool --sign -m $mechanism-RSA-PKCS -i data -o signature >out.out 2>&1
        openssl dgst -"${mechanism,,}" -keyform DER -verify public.der -signature signature data >out.out 2>&1
        say
    done
    begin "slot $slot: SHA256-RSA-PKCS-PSS"
    $tool --sign -m SHA256-RSA-PKCS-PSS --mgf MGF1-SHA256 --salt-len 32 -i data -o signature >out.out 2>&1
    openssl dgst -sha256 -keyform DER -verify public.der $pss_openssl -signature signature data >out.out 2>&1
    say
    begin "slot $slot: RSA-PKCS-PSS of a hash"
    openssl dgst -sha256 -binary data >hash
    $tool --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 32 -i hash -o signature >out.out 2>&1
    openssl dgst -sha256 -keyform DER -verify public.der $pss_openssl -signature signature data >out.out 2>&1
    say
    begin "slot $slot: pkcs11-tool --test"
    $tool --test >out.out 2>&1
    want 'No errors' out.out
    say
done

begin "pkcs11-tool --test-threads: three initialise and look at once"
pkcs11-tool --module "$module" --test-threads ILGISLT0 --test-threads ILGISLT1 --test-threads ILSLT1 -L >out.out 2>&1
want 'all threads have ended with CKR_OK' out.out
[ "$(grep -c 'token label *: JPKI' out.out)" = 5 ] # three threads' and the list
say
begin "pkcs11-tool --test-fork"
pkcs11-tool --module "$module" --test-fork -L >out.out 2>&1
want 'Calling C_Initialize in forked child process' out.out
[ "$(grep -c 'token label *: JPKI' out.out)" = 2 ]
say
begin "pkcs11-tool --test-hotplug"
mkfifo keys
timeout 60 pkcs11-tool --module "$module" --test-hotplug <keys >hotplug.out 2>&1 &
tool=$!
exec 7>keys
prompts() { [ "$(grep -o 'x to exit' hotplug.out | wc -l)" -ge "$1" ]; }
until_true prompts 1
remove_card
echo >&7
until_true prompts 2
[ "$(grep -c '(empty)' hotplug.out)" = 2 ] # C_GetSlotList: both tokens are gone
insert_card
echo >&7
until_true prompts 3
[ "$(grep -c 'token label *: JPKI' hotplug.out)" = 2 ]
echo x >&7 # now C_WaitForSlotEvent
until_true prompts 4
for token in 1 2; do # what nobody has waited for yet, of each token once
    echo >&7
    until_true prompts $((4 + token))
done
echo >&7
sleep 0.3
fails prompts 7 # it waits
remove_card
until_true prompts 7
[ "$(grep -c 'event on slot' hotplug.out)" = 3 ]
insert_card
echo x >&7
exec 7>&-
wait $tool
say

begin "a wrong PIN: one try for all processes together, and the right one gives them back"
for pin in 0000 0000 0001; do
    if pkcs11-tool --module "$module" --slot-index 0 --login --pin "$pin" -O >out.out 2>&1; then exit 1; fi
    want CKR_PIN_INCORRECT out.out
done
pkcs11-tool --module "$module" -L >out.out 2>&1
want 'final user PIN try' out.out # the second 0000 was not sent
if pkcs11-tool --module "$module" --slot-index 0 --login --pin 1234 -O >out.out 2>&1; then exit 1; fi # the last try: say it again
pkcs11-tool --module "$module" --slot-index 0 --login --pin 1234 -O >out.out 2>&1
pkcs11-tool --module "$module" -L >out.out 2>&1
refuse 'PIN try' out.out
say

begin "p11tool --list-all"
GNUTLS_PIN=1234 p11tool --provider "$module" --login --list-all "$auth_token" >out.out 2>&1
[ "$(grep -cE 'Type: (Private|Public|X.509)' out.out)" = 4 ]
GNUTLS_PIN=ABC123 p11tool --provider "$module" --login --list-all "$sign_token" >out.out 2>&1
[ "$(grep -cE 'Type: (Private|Public|X.509)' out.out)" = 4 ]
say
begin "p11tool --test-sign"
GNUTLS_PIN=1234 p11tool --provider "$module" --login --test-sign "$auth_token;id=%01;type=private" >out.out 2>&1
GNUTLS_PIN=ABC123 p11tool --provider "$module" --login --test-sign "$sign_token;id=%02;type=private" >out.out 2>&1
say

begin "ssh-keygen -D"
ssh-keygen -D "$module" >out.out 2>&1
want '^ssh-rsa .*User Authentication Public Key' out.out
say

# libp11's engine: what openssl and curl of this Debian use.
export PKCS11_MODULE_PATH=$module
begin "openssl dgst -engine pkcs11, both paddings, both keys"
for key in "$auth_token;id=%01;type=private?pin-value=1234" "$sign_token;id=%02;type=private?pin-value=ABC123"; do
    id=$(expr "$key" : '.*id=%\(..\)') pin=${key#*pin-value=}
    pkcs11-tool --module "$module" --slot-index $((10#$id - 1)) --login --pin "$pin" --id "$id" --read-object --type pubkey \
        -o public.der >out.out 2>&1
    for padding in "" "$pss_openssl"; do
        openssl dgst -engine pkcs11 -keyform engine -sha256 $padding -sign "$key" -out signature data >out.out 2>&1
        openssl dgst -sha256 -keyform DER $padding -verify public.der -signature signature data >out.out 2>&1
    done
done
say

step="TLS server"
export_certs
openssl verify -CAfile authority.pem holder.pem >out.out 2>&1
start_tls_server
for version in 1.2 1.3; do
    begin "TLS $version login with gnutls-cli"
    printf 'GET / HTTP/1.0\r\n\r\n' | GNUTLS_PIN=1234 timeout 30 gnutls-cli --provider "$module" --x509cafile server.pem \
        --x509certfile "$auth_token;id=%01;type=cert" --x509keyfile "$auth_token;id=%01;type=private" \
        --priority NORMAL:-VERS-ALL:+VERS-TLS$version -p "$port" localhost >out.out 2>&1
    want "Description: (TLS$version" out.out
    want 'Verify return code: 0 (ok)' out.out
    want '^Client certificate' out.out
    say
done
for version in 1.2 1.3; do
    begin "TLS $version login with curl"
    curl -sS --tlsv1.2 --tls-max $version --cacert server.pem --cert "$auth_token;id=%01;type=cert" \
        --key "$auth_token;id=%01;type=private?pin-value=1234" "https://localhost:$port/" >out.out 2>curl.out
    want "Protocol *: TLSv$version" out.out
    want 'Verify return code: 0 (ok)' out.out
    want '^Client certificate' out.out
    say
done
