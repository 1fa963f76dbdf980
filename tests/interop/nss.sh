#!/bin/bash
# The module under NSS: modutil, certutil, and tstclnt logging in over TLS 1.2 and 1.3. One token (as browsers are given) and
# both; the PINs come from a file that names the token, since NSS asks for each token that it meets.
. "$(dirname "$0")/card_lib.sh"
export_certs
start_tls_server
printf '%s:1234\n%s:ABC123\n' "$auth_name" "$sign_name" >pins
printf 'GET / HTTP/1.0\r\n\r\n' >request

database() { # name, module
    mkdir "$1"
    certutil -N -d "sql:$1" --empty-password
    certutil -A -d "sql:$1" -n server -t CT,C,C -i server.pem
    certutil -A -d "sql:$1" -n authority -t CT,C,C -i authority.pem
    modutil -dbdir "sql:$1" -force -add JPKI -libfile "$2"
}

for names in "auth $auth_module" "both $module"; do
    read -r db library <<<"$names"
    begin "$db: modutil -add, -list"
    database "$db" "$library" >out.out 2>&1
    modutil -dbdir "sql:$db" -list JPKI >out.out 2>&1
    want "Token Name: *$auth_name" out.out
    want "Serial Number: *99000001" out.out # and what tells it from the next card
    want "Login Type: *Login required" out.out
    say
    begin "$db: certutil -L"
    certutil -L -d "sql:$db" -h all -f pins >out.out 2>&1
    want "$auth_name:User Authentication Certificate  *u,u,u" out.out
    certutil -L -d "sql:$db" -h "$auth_name" -f pins -n "$auth_name:User Authentication Certificate" -a >out.out 2>&1
    diff <(openssl x509 -in out.out) <(openssl x509 -in holder.pem)
    say
    begin "$db: certutil -K"
    certutil -K -d "sql:$db" -h "$auth_name" -f pins >out.out 2>&1
    want 'rsa  *01  *User Authentication Key' out.out
    say
    for version in 1.2 1.3; do
        begin "$db: TLS $version login with tstclnt"
        timeout 30 tstclnt -4 -o -h localhost -p "$port" -d "sql:$db" -W pins -n "$auth_name:User Authentication Certificate" \
            -V "tls$version:tls$version" -A request >out.out 2>&1
        want "Protocol *: TLSv$version" out.out
        want 'Verify return code: 0 (ok)' out.out
        want '^Client certificate' out.out
        say
    done
    begin "$db: what the two parties choose by themselves is TLS 1.3"
    timeout 30 tstclnt -4 -o -h localhost -p "$port" -d "sql:$db" -W pins -n "$auth_name:User Authentication Certificate" \
        -A request >out.out 2>&1
    want "Protocol *: TLSv1.3" out.out
    want 'Verify return code: 0 (ok)' out.out
    say
done

begin "both: the signature certificate after its own PIN only"
certutil -L -d sql:both -h "$sign_name" -f pins >out.out 2>&1
want 'Digital Signature Certificate  *u,u,u' out.out
certutil -K -d sql:both -h "$sign_name" -f pins >out.out 2>&1
want 'rsa  *02  *Digital Signature Key' out.out
say

begin "no try was lost"
pkcs11-tool --module "$module" -L >out.out 2>&1
refuse 'PIN try' out.out

say

begin "modutil -delete"
modutil -dbdir sql:both -force -delete JPKI >out.out 2>&1
modutil -dbdir sql:both -list >out.out 2>&1
refuse JPKI out.out
say
