#!/bin/bash
# The module under OpenSSL's engine (libp11): CMS with both keys, s_client over TLS 1.2 and 1.3 in default configuration.
. "$(dirname "$0")/card_lib.sh"
export_certs
start_tls_server
export PKCS11_MODULE_PATH=$module

step="the signature certificate"
GNUTLS_PIN=ABC123 p11tool --provider "$module" --login --export "$sign_token;id=%02;type=cert" >signer.pem 2>/dev/null
p11tool --provider "$module" --export "$sign_token;id=%04;type=cert" >sign_authority.pem 2>/dev/null
for row in "$auth_token;id=%01;type=private?pin-value=1234 holder authority" \
    "$sign_token;id=%02;type=private?pin-value=ABC123 signer sign_authority"; do
    key=${row%% *} rest=${row#* }
    read -r cert authority <<<"$rest"
    for padding in "" "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:32"; do
        begin "$cert: openssl cms -sign ${padding:+(PSS)}"
        # shellcheck disable=SC2086
        openssl cms -sign -engine pkcs11 -keyform engine -inkey "$key" -signer "$cert.pem" -in data -binary -nodetach -md sha256 \
            $padding -outform DER -out data.cms 2>out.out
        openssl cms -verify -inform DER -in data.cms -CAfile "$authority.pem" -purpose any -out verified >out.out 2>&1
        cmp data verified
        say
    done
done

for version in 1_2 1_3; do
    begin "openssl s_client -tls$version"
    printf 'GET / HTTP/1.0\r\n\r\n' | timeout 30 openssl s_client -engine pkcs11 -keyform engine \
        -key "$auth_token;id=%01;type=private?pin-value=1234" -cert holder.pem -CAfile server.pem -verify_return_error \
        -connect "localhost:$port" -tls$version -ign_eof >out.out 2>client.out
    want "Protocol *: TLSv${version/_/.}" out.out
    want '^Client certificate' out.out
    want 'Verify return code: 0 (ok)' out.out
    say
done
