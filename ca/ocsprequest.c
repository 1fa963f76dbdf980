/* ocsprequest.c — OpenSSL reads; what it would let pass is refused here: other encodings than DER, other versions. */
#include "ca/ocsprequest.h"

#include "pki/der.h"

#include <openssl/x509v3.h>
#include <string.h>

/* OCSPRequest ::= SEQUENCE { tbsRequest SEQUENCE { version [0] EXPLICIT INTEGER DEFAULT v1, … } … } */
static bool request_is_version_1(struct bytes der)
{
    struct bytes outer, tbs, version;
    if (der_expect(&der, 0x30, &outer, NULL) || der.len || der_expect(&outer, 0x30, &tbs, NULL))
        return false;
    return der_expect(&tbs, 0xA0, &version, NULL) != RC_OK ||
           bytes_equal(version, bytes_of("\x02\x01\x00", 3));
}

static bool request_is_der(OCSP_REQUEST *request, struct bytes der)
{
    unsigned char *again = NULL;
    int len = i2d_OCSP_REQUEST(request, &again);
    bool same = len > 0 && bytes_equal(bytes_of(again, (size_t)len), der);
    OPENSSL_free(again);
    return same;
}

/* One nonce of an allowed length as an OCTET STRING inside the extension. */
static const char *nonce_flaw(OCSP_REQUEST *request, bool *there)
{
    int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
    *there = at >= 0;
    if (at < 0)
        return NULL;
    if (OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, at) >= 0)
        return "two nonces";
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(request, at));
    struct bytes rest = bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), nonce;
    if (der_expect(&rest, 0x04, &nonce, NULL) || rest.len)
        return "a nonce that is no OCTET STRING";
    return nonce.len < 1 || nonce.len > OCSPREQUEST_NONCE ? "a nonce of a forbidden length" : NULL;
}

static const char *extensions_flaw(OCSP_REQUEST *request, int count)
{
    for (int i = 0; i < OCSP_REQUEST_get_ext_count(request); i++) {
        X509_EXTENSION *extension = OCSP_REQUEST_get_ext(request, i);
        if (X509_EXTENSION_get_critical(extension) &&
            OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_id_pkix_OCSP_Nonce)
            return "a critical extension that is not understood";
    }
    for (int i = 0; i < count; i++) {
        OCSP_ONEREQ *one = OCSP_request_onereq_get0(request, i);
        for (int j = 0; j < OCSP_ONEREQ_get_ext_count(one); j++)
            if (X509_EXTENSION_get_critical(OCSP_ONEREQ_get_ext(one, j)))
                return "a critical extension of a certificate's entry";
    }
    return NULL;
}

enum rc ocsprequest_parse(struct bytes der, struct ocsprequest *request, struct err *err)
{
    if (!der.len || der.len > OCSPREQUEST_BYTES)
        return err_set(err, RC_FORMAT, "a request of %zu bytes", der.len);
    const unsigned char *at = der.data;
    struct ocsprequest found = { .request = d2i_OCSP_REQUEST(NULL, &at, (long)der.len) };
    const char *flaw = NULL;
    if (!found.request || at != der.data + der.len || !request_is_version_1(der) || !request_is_der(found.request, der))
        flaw = "no OCSP request of version 1 in DER";
    if (!flaw) {
        found.count = OCSP_request_onereq_count(found.request);
        if (found.count < 1 || found.count > OCSPREQUEST_CERTS)
            flaw = "no certificates, or too many";
    }
    if (!flaw)
        flaw = nonce_flaw(found.request, &found.nonce);
    if (!flaw)
        flaw = extensions_flaw(found.request, found.count);
    if (flaw) {
        ocsprequest_wipe(&found);
        return err_set(err, RC_FORMAT, "%s", flaw);
    }
    *request = found;
    return RC_OK;
}

void ocsprequest_wipe(struct ocsprequest *request)
{
    OCSP_REQUEST_free(request->request);
    *request = (struct ocsprequest) { 0 };
}

const OCSP_CERTID *ocsprequest_id(const struct ocsprequest *request, int i)
{
    return OCSP_onereq_get0_id(OCSP_request_onereq_get0(request->request, i));
}

enum rc ocsprequest_from_path(const char *path, struct buf *der)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (*path == '/') /* a SEQUENCE never begins with the digit '/' */
        path++;
    size_t len = strlen(path), digits = strspn(path, alphabet), padding = len - digits;
    if (!len || len % 4 || padding > 2 || strspn(path + digits, "=") != padding || len / 4 * 3 > OCSPREQUEST_BYTES + 2)
        return RC_FORMAT;
    uint8_t *at;
    size_t start = der->len;
    enum rc rc = buf_extend(der, len / 4 * 3, &at);
    if (rc)
        return rc;
    if (EVP_DecodeBlock(at, (const unsigned char *)path, (int)len) != (int)(len / 4 * 3)) {
        buf_truncate(der, start);
        return RC_FORMAT;
    }
    buf_truncate(der, der->len - padding);
    return RC_OK;
}
