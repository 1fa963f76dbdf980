#!/bin/bash
# A PDF signed by poppler's pdfsig with the signature key, through NSS and jpki-pkcs11-sign.so: pdfsig has one PIN for all
# tokens and gives up at the first refusal, so it needs the module with one token.
. "$(dirname "$0")/card_lib.sh"
p11tool --provider "$module" --export "$sign_token;id=%04;type=cert" >authority.pem 2>/dev/null
db=sql:$folder/nss
mkdir nss
certutil -N -d "$db" --empty-password
certutil -A -d "$db" -n authority -t CT,C,C -i authority.pem
modutil -dbdir "$db" -force -add JPKI -libfile "$sign_module" >modutil.out 2>&1
python3 - <<'END' # a page with a word on it, its cross-reference table exact: a signature is appended to it
objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
           b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
           b"<</Length 38>>\nstream\nBT /F 24 Tf 50 100 Td (agreement) Tj ET\nendstream",
           b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
text, places = b"%PDF-1.7\n", []
for number, body in enumerate(objects, 1):
    places.append(len(text))
    text += b"%d 0 obj\n%s\nendobj\n" % (number, body)
table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % place for place in places)
end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(text))
open("in.pdf", "wb").write(text + table + end)
END

begin "pdfsig -list-nicks"
pdfsig -nssdir "$db" -nss-pwd ABC123 -list-nicks >out.out 2>&1
want "$sign_name:Digital Signature Certificate" out.out
say
begin "pdfsig -add-signature, and its own verdict"
pdfsig -nssdir "$db" -nss-pwd ABC123 -digest SHA256 -add-signature -nick "$sign_name:Digital Signature Certificate" \
    in.pdf signed.pdf >out.out 2>&1
say
pdfsig -nssdir "$db" signed.pdf >out.out 2>&1
want 'Signature is Valid' out.out
want 'Certificate is Trusted' out.out
want 'Total document signed' out.out

begin "openssl agrees with the signature"
python3 - <<'END' # the signed ranges and the CMS between them, cut out by the numbers in /ByteRange
import re
text = open("signed.pdf", "rb").read()
start, first, second, rest = (int(n) for n in re.search(rb"/ByteRange[^0-9]*(\d+) +(\d+) +(\d+) +(\d+)", text).groups())
assert start == 0 and second + rest == len(text)
open("signed.bytes", "wb").write(text[:first] + text[second:])
open("signed.cms", "wb").write(bytes.fromhex(text[first + 1:second - 1].decode())) # zeros follow: the place was kept first
END
openssl cms -verify -inform DER -in signed.cms -content signed.bytes -binary -CAfile authority.pem -purpose any \
    -out verified >out.out 2>&1
cmp signed.bytes verified
say

begin "a change of one byte is seen"
python3 -c 'data = bytearray(open("signed.pdf", "rb").read()); at = data.index(b"agreement"); data[at] ^= 1
open("changed.pdf", "wb").write(data)'
pdfsig -nssdir "$db" changed.pdf >out.out 2>&1 || true
refuse 'Signature is Valid' out.out
say
begin "a wrong password: nothing signed, one try"
pdfsig -nssdir "$db" -nss-pwd ABC999 -digest SHA256 -add-signature -nick "$sign_name:Digital Signature Certificate" \
    in.pdf wrong.pdf >out.out 2>&1 || true
[ ! -s wrong.pdf ] || { pdfsig -nssdir "$db" wrong.pdf >out.out 2>&1 || true; refuse 'Signature is Valid' out.out; }
[ "$(grep -c 'VERIFY \[' trace)" = 1 ] || { cat trace; exit 1; }
say
