#!/bin/bash
# The module behind others: p11-kit's proxy (one module for all), p11-kit server and its client (another process holds the
# card), git, whose GnuTLS finds the module through p11-kit; and OpenSC's pkcs11-spy, whose log says what crossed it.
wants_nobody=1
. "$(dirname "$0")/card_lib.sh"
library=$(pkg-config --variable=proxy_module p11-kit-1)
client=$(pkg-config --variable=p11_module_path p11-kit-1)/p11-kit-client.so
spy=$(find /usr/lib -name pkcs11-spy.so | head -n 1)
mkdir -p config/pkcs11/modules
printf 'module: %s\n' "$module" >config/pkcs11/modules/jpki.module
export XDG_CONFIG_HOME=$folder/config

# One list of tests for every way that leads to the card.
try_module() { # module, how
    begin "$2: tokens"
    pkcs11-tool --module "$1" -L >out.out 2>&1
    want "$auth_name" out.out
    say
    begin "$2: objects"
    pkcs11-tool --module "$1" --token-label "$auth_name" -O >out.out 2>&1
    want 'User Authentication Certificate CA' out.out
    refuse 'Private Key' out.out
    say
    begin "$2: a wrong PIN, and the right one"
    fails pkcs11-tool --module "$1" --token-label "$auth_name" --login --pin 0000 -O >out.out 2>&1
    want CKR_PIN_INCORRECT out.out
    pkcs11-tool --module "$1" --token-label "$auth_name" --login --pin 1234 -O >out.out 2>&1
    want 'Private Key Object' out.out
    say
    begin "$2: SHA256-RSA-PKCS"
    pkcs11-tool --module "$1" --token-label "$auth_name" --login --pin 1234 --id 01 --sign -m SHA256-RSA-PKCS -i data \
        -o signature >out.out 2>&1
    openssl dgst -sha256 -verify public.pem -signature signature data >out.out 2>&1
    say
    # p11-kit 0.24 carries no parameters of CKM_SHA256_RSA_PKCS_PSS over its socket, those of CKM_RSA_PKCS_PSS it does.
    begin "$2: RSA-PKCS-PSS"
    pkcs11-tool --module "$1" --token-label "$auth_name" --login --pin 1234 --id 01 --sign -m RSA-PKCS-PSS \
        --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 32 -i hash -o signature >out.out 2>&1
    openssl dgst -sha256 -verify public.pem -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -signature signature \
        data >out.out 2>&1
    say
}
export_certs
openssl x509 -in holder.pem -noout -pubkey >public.pem
openssl dgst -sha256 -binary data >hash
try_module "$module" "itself"
begin "p11-kit list-modules"
p11-kit list-modules >out.out 2>&1
want 'jpki: ' out.out
want "token: $auth_name" out.out
want "token: $sign_name" out.out
want 'serial-number: 99000001' out.out
say
try_module "$library" "p11-kit proxy"

start_tls_server
step="a folder served as git's plain protocol wants it"
mkdir -p site/x.git/info
printf '%040d\trefs/heads/main\n' 1 >'site/x.git/info/refs?service=git-upload-pack'
printf 'ref: refs/heads/main\n' >site/x.git/HEAD
cd site
openssl s_server -accept 127.0.0.1:0 -cert ../server.pem -key ../server.key -CAfile ../authority.pem -Verify 2 \
    -verify_return_error -WWW >../site.out 2>&1 &
pids="$pids $!"
cd ..
until_true grep -q '^ACCEPT' site.out
site=$(sed -n 's/^ACCEPT .*:\([0-9]*\).*/\1/p' site.out | head -n 1)
begin "git ls-remote over TLS with the card"
GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 timeout 30 git -c http.sslCAInfo="$folder/server.pem" \
    -c http.sslCert="$auth_token;id=%01;type=cert" -c http.sslKey="$auth_token;id=%01;type=private?pin-value=1234" \
    ls-remote "https://localhost:$site/x.git" >out.out 2>git.out
want 'refs/heads/main' out.out
say

step="p11-kit server"
p11-kit server -f -n "$folder/p11" --provider "$module" "$auth_token" >server.out 2>&1 &
pids="$pids $!"
until_true test -S p11
export P11_KIT_SERVER_ADDRESS=unix:path=$folder/p11
try_module "$client" "p11-kit server"
begin "p11-kit server shows the one token that it was told"
pkcs11-tool --module "$client" -L >out.out 2>&1
refuse "$sign_name" out.out
say

export PKCS11SPY=$module PKCS11SPY_OUTPUT=$folder/spy
try_module "$spy" "pkcs11-spy"
# OpenSC 0.23's spy hands an interface that is newer than itself through, unwatched; GnuTLS asks for the old list of functions.
begin "pkcs11-spy: what it saw of GnuTLS"
if GNUTLS_PIN=0001 p11tool --batch --provider "$spy" --login --test-sign "$auth_token;id=%01;type=private" >out.out 2>&1; then exit 1; fi
GNUTLS_PIN=1234 p11tool --batch --provider "$spy" --login --test-sign "$auth_token;id=%01;type=private" >out.out 2>&1
want 'C_Login' spy
want 'CKR_PIN_INCORRECT' spy
refuse 'CKR_FUNCTION_NOT_SUPPORTED' spy
refuse 'CKR_GENERAL_ERROR' spy
say
