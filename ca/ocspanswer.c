/* ocspanswer.c — built and signed by OpenSSL. */
#include "ca/ocspanswer.h"

#include "base/clock.h"
#include "base/log.h"
#include "ca/lint.h"
#include "pki/cert.h"
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

static bool add_status(OCSP_BASICRESP *basic, const OCSP_CERTID *id, const struct ocspstatus *status,
                       ASN1_TIME *this_update, ASN1_TIME *next_update)
{
    int said = !status->known ? V_OCSP_CERTSTATUS_UNKNOWN
               : status->revoked_at ? V_OCSP_CERTSTATUS_REVOKED
                                    : V_OCSP_CERTSTATUS_GOOD;
    OCSP_CERTID *copy = OCSP_CERTID_dup(id);
    ASN1_TIME *revoked = status->revoked_at ? ASN1_GENERALIZEDTIME_set(NULL, (time_t)status->revoked_at) : NULL;
    int reason = status->reason ? status->reason : OCSP_REVOKED_STATUS_NOSTATUS;
    bool added = copy && (!status->revoked_at || revoked) &&
                 OCSP_basic_add1_status(basic, copy, said, reason, revoked, this_update, next_update);
    OCSP_CERTID_free(copy);
    ASN1_TIME_free(revoked);
    return added;
}

/* producedAt by the house's clock, as all that it is compared with; OpenSSL would take the machine's, and has no setter. */
static bool set_produced(OCSP_BASICRESP *basic)
{
    ASN1_GENERALIZEDTIME *produced = (ASN1_GENERALIZEDTIME *)(uintptr_t)OCSP_resp_get0_produced_at(basic);
    return produced && ASN1_GENERALIZEDTIME_set(produced, (time_t)clock_now());
}

/* The nonce as it was asked, but never critical: whoever asked for it knows it. */
static bool add_nonce(OCSP_BASICRESP *basic, OCSP_REQUEST *request)
{
    int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
    X509_EXTENSION *nonce = at >= 0 ? X509_EXTENSION_dup(OCSP_REQUEST_get_ext(request, at)) : NULL;
    bool added = nonce && X509_EXTENSION_set_critical(nonce, 0) == 1 && OCSP_BASICRESP_add_ext(basic, nonce, -1) == 1;
    X509_EXTENSION_free(nonce);
    return added;
}

enum rc ocspanswer_encode(const struct ocsprequest *request, const struct ocspstatus *statuses,
                          const struct ocspkey *key, const struct ocspterms *terms, struct buf *out)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response = NULL;
    unsigned char *der = NULL;
    int len = 0;
    ASN1_TIME *this_update = ASN1_GENERALIZEDTIME_set(NULL, (time_t)terms->this_update);
    ASN1_TIME *next_update = ASN1_GENERALIZEDTIME_set(NULL, (time_t)terms->next_update);
    enum suite suite;
    bool made = basic && this_update && next_update && suite_of_key(key->key, &suite) == RC_OK;
    for (int i = 0; made && i < request->count; i++)
        made = add_status(basic, ocsprequest_id(request, i), &statuses[i], this_update, next_update);
    if (made && request->nonce)
        made = add_nonce(basic, request->request);
    made = made && set_produced(basic) &&
           OCSP_basic_sign(basic, key->cert, key->key, suite_row(suite)->digest(), NULL, OCSP_RESPID_KEY | OCSP_NOTIME) == 1;
    if (made) {
        response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
        len = response ? i2d_OCSP_RESPONSE(response, &der) : 0;
    }
    struct lint lint; /* producedAt and the responder are filled in while it is signed: judged before it is given out */
    enum rc rc = len > 0 ? lint_ocsp(bytes_of(der, (size_t)len), &lint) : RC_CRYPTO;
    if (!rc && lint.count) {
        log_error("an answer that is not given out: %s: %s", lint.findings[0].field, lint.findings[0].rule);
        rc = RC_BUG;
    }
    if (!rc)
        rc = buf_append(out, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    return rc;
}

enum rc ocspanswer_refusal(int status, struct buf *out)
{
    const uint8_t der[] = { 0x30, 0x03, 0x0A, 0x01, (uint8_t)status };
    return buf_append(out, der, sizeof der);
}
