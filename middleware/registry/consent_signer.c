/* consent_signer.c — the text of a consent and who signed it. */
#include "registry/consent.h"

#include "base/clock.h"
#include "net/json.h"
#include "pki/content.h"
#include "pki/cert.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {"attributes", "withdrawn"};

enum rc consent_text_read(const char *text, struct consent_text *out, struct err *err)
{
    json_t *json = NULL;
    const char *word, *service, *time;
    *out = (struct consent_text){0};
    enum rc rc = json_read(bytes_of(text, strlen(text)), &json, err);
    if (!rc && !(rc = json_want_text(json, "consent", 16, &word, err)) &&
        !(rc = json_want_text(json, "service", sizeof out->service - 1, &service, err)) &&
        !(rc = json_want_text(json, "signed", CLOCK_TEXT_SIZE, &time, err))) {
        out->withdrawn = strcmp(word, words[1]) == 0;
        snprintf(out->service, sizeof out->service, "%s", service);
        if (!out->withdrawn && strcmp(word, words[0]) != 0)
            rc = err_set(err, RC_FORMAT, "document: consent is attributes or withdrawn");
        else if (!service[0] || json_object_size(json) != 3)
            rc = err_set(err, RC_FORMAT, "document: consent, service and signed, and nothing else");
        else if (clock_parse(time, &out->signed_at))
            rc = err_set(err, RC_FORMAT, "document: signed is not a time");
    }
    json_decref(json);
    return rc;
}

json_t *consent_text_write(const struct consent_text *text)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format(text->signed_at, time);
    return json_pack("{s:s, s:s, s:s}", "consent", words[text->withdrawn], "service", text->service, "signed", time);
}

/* The chain to one of the authorities, at the house's time. What the authority says in the certificate's extensions is
 * between it and the ledger's link: only certificates that were linked count. */
static enum rc signer_check_cert(STACK_OF(X509) * authorities, X509 *cert, struct err *err)
{
    X509_STORE *trust = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    enum rc rc = trust && context ? RC_OK : RC_NOMEM;
    for (int i = 0; !rc && i < sk_X509_num(authorities); i++)
        if (X509_STORE_add_cert(trust, sk_X509_value(authorities, i)) != 1)
            rc = RC_NOMEM;
    if (!rc && X509_STORE_CTX_init(context, trust, cert, NULL) != 1)
        rc = RC_NOMEM;
    if (!rc) {
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_PARTIAL_CHAIN);
        X509_STORE_CTX_set_time(context, 0, (time_t)clock_now());
        if (X509_verify_cert(context) != 1)
            rc = err_set(err, RC_DENIED, "signature: its certificate: %s",
                         X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(trust);
    return rc;
}

static enum rc signer_check_digest(CMS_SignerInfo *info, struct err *err)
{
    X509_ALGOR *digest = NULL;
    const ASN1_OBJECT *name = NULL;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
    X509_ALGOR_get0(&name, NULL, NULL, digest);
    int nid = OBJ_obj2nid(name);
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512
               ? RC_OK
               : err_set(err, RC_DENIED, "signature: its digest is neither SHA-256 nor longer");
}

static enum rc signer_check(CMS_ContentInfo *cms, STACK_OF(X509) * authorities, BIO *content, char serial[41],
                            struct err *err)
{
    struct buf hex = {0};
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    if (sk_CMS_SignerInfo_num(infos) != 1)
        return err_set(err, RC_DENIED, "signature: exactly one signer is wanted");
    if (CMS_verify(cms, NULL, NULL, content, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) != 1)
        return err_set(err, RC_DENIED, "signature: it is not over this document, or does not verify");
    X509 *cert = NULL;
    CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, 0), NULL, &cert, NULL, NULL);
    if (!cert)
        return err_set(err, RC_DENIED, "signature: without its certificate");
    enum rc rc = signer_check_digest(sk_CMS_SignerInfo_value(infos, 0), err);
    if (!rc)
        rc = signer_check_cert(authorities, cert, err);
    if (!rc)
        rc = cert_serial(cert, &hex);
    if (!rc && hex.len > 40)
        rc = err_set(err, RC_DENIED, "signature: the serial number is too long");
    if (!rc)
        snprintf(serial, 41, "%.*s", (int)hex.len, (const char *)hex.data);
    buf_wipe(&hex);
    return rc;
}

enum rc consent_signer(STACK_OF(X509) * authorities, const char *text, struct bytes signature, char serial[41],
                       struct err *err)
{
    const unsigned char *at = signature.data;
    size_t len = strlen(text);
    if (!authorities)
        return err_set(err, RC_UNSUPPORTED,
                       "this node was given no authority of signature certificates (serve --sign-ca)");
    if (signature.len > INT_MAX || len > INT_MAX)
        return err_set(err, RC_FORMAT, "signature: too long");
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)signature.len);
    enum rc rc = RC_OK;
    if (!cms || at != signature.data + signature.len || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
        rc = err_set(err, RC_FORMAT, "signature: not a CMS SignedData");
    else if (CMS_is_detached(cms) != 1)
        rc = err_set(err, RC_FORMAT, "signature: not detached");
    BIO *content = rc ? NULL : content_bio(bytes_of(text, len));
    if (!rc)
        rc = content ? signer_check(cms, authorities, content, serial, err) : RC_NOMEM;
    BIO_free_all(content);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return rc;
}
