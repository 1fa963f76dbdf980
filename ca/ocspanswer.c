/* ocspanswer.c — written element by element, so that it can be judged before the key signs it; identifiers and the nonce are
 * those of the request, as OpenSSL encodes them. */
#include "ca/ocspanswer.h"

#include "base/clock.h"
#include "base/log.h"
#include "ca/lint.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/suite.h"

#include <string.h>

/* name and key hashes of the certificate under the identifier's own digest */
static bool id_means(const X509 *issuer, const EVP_MD *digest, ASN1_OCTET_STRING *name_hash, ASN1_OCTET_STRING *key_hash)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const X509_NAME *name = X509_get_subject_name(issuer);
    if (X509_NAME_digest(name, digest, hash, &len) != 1 ||
        !bytes_equal(bytes_of(hash, len), bytes_of(ASN1_STRING_get0_data(name_hash), (size_t)ASN1_STRING_length(name_hash))))
        return false;
    return X509_pubkey_digest(issuer, digest, hash, &len) == 1 &&
           bytes_equal(bytes_of(hash, len), bytes_of(ASN1_STRING_get0_data(key_hash), (size_t)ASN1_STRING_length(key_hash)));
}

/* "0132C4AB"; false for one that no certificate of the house can have. */
static bool serial_text(const ASN1_INTEGER *serial, char out[BOOK_SERIAL_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *data = ASN1_STRING_get0_data(serial);
    int len = ASN1_STRING_length(serial);
    if ((ASN1_STRING_type(serial) & V_ASN1_NEG) || len < 1 || len > (BOOK_SERIAL_SIZE - 1) / 2)
        return false;
    for (int i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = '\0';
    return true;
}

enum rc ocspanswer_issuer(const struct ca *ca, const OCSP_CERTID *id, enum authority *authority, unsigned *generation,
                          char serial[BOOK_SERIAL_SIZE])
{
    ASN1_OCTET_STRING *name_hash, *key_hash;
    ASN1_OBJECT *algorithm;
    ASN1_INTEGER *number;
    union { const OCSP_CERTID *from; OCSP_CERTID *to; } looked = { .from = id }; /* only looked at */
    if (OCSP_id_get0_info(&name_hash, &algorithm, &key_hash, &number, looked.to) != 1)
        return RC_NOT_FOUND;
    int nid = OBJ_obj2nid(algorithm);
    const EVP_MD *digest = nid == NID_sha1 ? EVP_sha1() : nid == NID_sha256 ? EVP_sha256() : NULL;
    for (enum authority a = AUTHORITY_SIGN; digest && a < AUTHORITY_OPS; a++)
        for (unsigned g = ca_newest(ca, a); g >= 1; g--)
            if (id_means(ca_cert(ca, a, g), digest, name_hash, key_hash)) {
                if (!serial_text(number, serial))
                    serial[0] = '\0'; /* ours, and in no book */
                *authority = a;
                *generation = g;
                return RC_OK;
            }
    return RC_NOT_FOUND;
}

static enum rc append_time(struct buf *out, unsigned wrapped, int64_t when)
{
    char text[CLOCK_TEXT_SIZE];
    uint8_t digits[15];
    size_t n = 0;
    struct buf element = { 0 };
    clock_format(when, text); /* "2026-11-23T09:30:00Z" */
    for (const char *at = text; *at && n < sizeof digits; at++)
        if (*at != '-' && *at != 'T' && *at != ':')
            digits[n++] = (uint8_t)*at;
    enum rc rc = der_append(wrapped ? &element : out, 0x18, bytes_of(digits, n));
    if (!rc && wrapped)
        rc = der_append(out, wrapped, buf_bytes(&element));
    buf_wipe(&element);
    return rc;
}

/* good [0] and unknown [2] are NULL, revoked [1] is a time and, when one is given, a reason [0]. */
static enum rc append_cert_status(struct buf *out, const struct ocspstatus *status)
{
    struct buf info = { 0 };
    const uint8_t reason[] = { 0x0A, 0x01, (uint8_t)status->reason };
    if (!status->known || !status->revoked_at)
        return der_append(out, status->known ? 0x80 : 0x82, bytes_of(NULL, 0));
    enum rc rc = append_time(&info, 0, status->revoked_at);
    if (!rc && status->reason)
        rc = der_append(&info, 0xA0, bytes_of(reason, sizeof reason));
    if (!rc)
        rc = der_append(out, 0xA1, buf_bytes(&info));
    buf_wipe(&info);
    return rc;
}

static enum rc append_answer(struct buf *out, const OCSP_CERTID *id, const struct ocspstatus *status, const struct ocspterms *terms)
{
    struct buf answer = { 0 };
    unsigned char *der = NULL;
    int len = i2d_OCSP_CERTID(id, &der);
    enum rc rc = len > 0 ? buf_append(&answer, der, (size_t)len) : RC_NOMEM;
    OPENSSL_free(der);
    if (!rc)
        rc = append_cert_status(&answer, status);
    if (!rc)
        rc = append_time(&answer, 0, terms->this_update);
    if (!rc)
        rc = append_time(&answer, 0xA0, terms->next_update);
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&answer));
    buf_wipe(&answer);
    return rc;
}

/* The nonce as it was asked, but never critical: whoever asked for it knows it. */
static enum rc append_nonce(struct buf *out, OCSP_REQUEST *request)
{
    int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
    X509_EXTENSION *nonce = at >= 0 ? X509_EXTENSION_dup(OCSP_REQUEST_get_ext(request, at)) : NULL;
    unsigned char *der = NULL;
    struct buf list = { 0 };
    int len = nonce && X509_EXTENSION_set_critical(nonce, 0) == 1 ? i2d_X509_EXTENSION(nonce, &der) : 0;
    enum rc rc = len > 0 ? der_append(&list, 0x30, bytes_of(der, (size_t)len)) : RC_NOMEM;
    if (!rc)
        rc = der_append(out, 0xA1, buf_bytes(&list));
    OPENSSL_free(der);
    X509_EXTENSION_free(nonce);
    buf_wipe(&list);
    return rc;
}

/* byKey [2]: the SHA-1 of the key, which the profile has as subjectKeyIdentifier too. */
static enum rc append_responder(struct buf *out, const struct ocspkey *key)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct buf by_key = { 0 };
    enum rc rc = X509_pubkey_digest(key->cert, EVP_sha1(), hash, &len) == 1 ? der_append(&by_key, 0x04, bytes_of(hash, len)) : RC_CRYPTO;
    if (!rc)
        rc = der_append(out, 0xA2, buf_bytes(&by_key));
    buf_wipe(&by_key);
    return rc;
}

/* ResponseData (RFC 6960 §4.2.1); producedAt by the house's clock, as all that it is compared with. */
static enum rc data_encode(const struct ocsprequest *request, const struct ocspstatus *statuses, const struct ocspkey *key,
                           const struct ocspterms *terms, struct buf *out)
{
    struct buf data = { 0 }, answers = { 0 };
    enum rc rc = append_responder(&data, key);
    if (!rc)
        rc = append_time(&data, 0, clock_now());
    for (int i = 0; !rc && i < request->count; i++)
        rc = append_answer(&answers, ocsprequest_id(request, i), &statuses[i], terms);
    if (!rc)
        rc = der_append(&data, 0x30, buf_bytes(&answers));
    if (!rc && request->nonce)
        rc = append_nonce(&data, request->request);
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&data));
    buf_wipe(&data);
    buf_wipe(&answers);
    return rc;
}

static enum rc judged(const struct lint *lint, const char *when)
{
    if (!lint->count)
        return RC_OK;
    log_error("an answer that is not %s: %s: %s", when, lint->findings[0].field, lint->findings[0].rule);
    return RC_BUG;
}

/* BasicOCSPResponse: data, algorithm, signature, and the responder's certificate. */
static enum rc basic_sign(struct bytes data, const struct ocspkey *key, struct bytes cert, struct buf *out)
{
    struct buf body = { 0 }, bits = { 0 }, certs = { 0 };
    enum suite suite;
    enum rc rc = suite_of_key(key->key, &suite) == RC_OK ? buf_append_bytes(&body, data) : RC_CRYPTO;
    if (!rc)
        rc = buf_append_bytes(&body, suite_row(suite)->identifier);
    if (!rc)
        rc = buf_append_u8(&bits, 0);
    if (!rc)
        rc = suite_sign(suite, key->key, data, &bits);
    if (!rc)
        rc = der_append(&body, 0x03, buf_bytes(&bits));
    if (!rc)
        rc = der_append(&certs, 0x30, cert);
    if (!rc)
        rc = der_append(&body, 0xA0, buf_bytes(&certs));
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&body));
    buf_wipe(&body);
    buf_wipe(&bits);
    buf_wipe(&certs);
    return rc;
}

/* OCSPResponse: successful, id-pkix-ocsp-basic. */
static enum rc response_wrap(struct bytes basic, struct buf *out)
{
    static const uint8_t status[] = { 0x0A, 0x01, 0x00 };
    static const uint8_t type[] = { 0x06, 0x09, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
    struct buf inner = { 0 }, bytes = { 0 }, body = { 0 };
    enum rc rc = buf_append(&inner, type, sizeof type);
    if (!rc)
        rc = der_append(&inner, 0x04, basic);
    if (!rc)
        rc = der_append(&bytes, 0x30, buf_bytes(&inner));
    if (!rc)
        rc = buf_append(&body, status, sizeof status);
    if (!rc)
        rc = der_append(&body, 0xA0, buf_bytes(&bytes));
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&body));
    buf_wipe(&inner);
    buf_wipe(&bytes);
    buf_wipe(&body);
    return rc;
}

enum rc ocspanswer_encode(const struct ocsprequest *request, const struct ocspstatus *statuses,
                          const struct ocspkey *key, const struct ocspterms *terms, struct buf *out)
{
    struct buf data = { 0 }, cert = { 0 }, basic = { 0 }, response = { 0 };
    struct lint lint;
    enum rc rc = data_encode(request, statuses, key, terms, &data);
    if (!rc)
        rc = cert_encode(key->cert, &cert);
    if (!rc)
        rc = lint_ocsp_data(buf_bytes(&data), &lint);
    if (!rc)
        rc = judged(&lint, "signed");
    if (!rc)
        rc = basic_sign(buf_bytes(&data), key, buf_bytes(&cert), &basic);
    if (!rc)
        rc = response_wrap(buf_bytes(&basic), &response);
    if (!rc)
        rc = lint_ocsp_by(buf_bytes(&response), key->judged ? buf_bytes(&cert) : bytes_of(NULL, 0), &lint);
    if (!rc)
        rc = judged(&lint, "given out");
    if (!rc)
        rc = buf_append_bytes(out, buf_bytes(&response));
    buf_wipe(&data);
    buf_wipe(&cert);
    buf_wipe(&basic);
    buf_wipe(&response);
    return rc;
}

enum rc ocspanswer_refusal(int status, struct buf *out)
{
    const uint8_t der[] = { 0x30, 0x03, 0x0A, 0x01, (uint8_t)status };
    return buf_append(out, der, sizeof der);
}
