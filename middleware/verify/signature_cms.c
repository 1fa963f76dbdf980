/* signature_cms.c — detached CMS signatures through OpenSSL. OpenSSL does the cryptography; this file says which shapes
 * are let near it, and tells apart a changed content from a wrong signature. Trust is path.c's. */
#include "verify/signature.h"

#include "pki/content.h"
#include "pki/cert.h"
#include "verify/algorithm.h"

#include <openssl/pem.h> /* before cms.h, which declares its PEM functions only then */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum signature_format signature_format_of(struct bytes file)
{
    static const char pem[] = "-----BEGIN ";
    if (file.len && file.data[0] == 0x30)
        return SIGNATURE_FORMAT_CMS;
    if (file.len >= sizeof pem && memcmp(file.data, pem, sizeof pem - 1) == 0)
        return SIGNATURE_FORMAT_CMS;
    size_t at = file.len >= 3 && memcmp(file.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < file.len && strchr(" \t\r\n", file.data[at]) && file.data[at])
        at++;
    return at < file.len && file.data[at] == '<' ? SIGNATURE_FORMAT_XML : SIGNATURE_FORMAT_UNKNOWN;
}

bool signature_say(struct evidence_signature *evidence, enum signature_state state, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(evidence->reason, sizeof evidence->reason, format, args);
    va_end(args);
    evidence->state = state;
    return false;
}

static CMS_ContentInfo *cms_parse(struct bytes signature)
{
    CMS_ContentInfo *cms = NULL;
    if (signature.len == 0 || signature.len > SIGNATURE_CMS_MAX)
        return NULL;
    BIO *bio = BIO_new_mem_buf(signature.data, (int)signature.len);
    if (!bio)
        return NULL;
    if (signature.data[0] == 0x30) {
        cms = d2i_CMS_bio(bio, NULL);
        if (cms && BIO_pending(bio) != 0) { /* bytes behind the signature are signed by nobody */
            CMS_ContentInfo_free(cms);
            cms = NULL;
        }
    } else {
        cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    return cms;
}

/* A signed attribute that must stand exactly once with exactly one value. */
static ASN1_TYPE *cms_attribute(const CMS_SignerInfo *signer, int nid)
{
    int at = CMS_signed_get_attr_by_NID(signer, nid, -1);
    if (at < 0 || CMS_signed_get_attr_by_NID(signer, nid, at) >= 0)
        return NULL;
    X509_ATTRIBUTE *attribute = CMS_signed_get_attr(signer, at);
    return X509_ATTRIBUTE_count(attribute) == 1 ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;
}

static bool cms_check_shape(CMS_ContentInfo *cms, CMS_SignerInfo **signer, struct evidence_signature *evidence)
{
    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
        return signature_say(evidence, SIGNATURE_MALFORMED, "this CMS message is not a signature");
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
    int count = signers ? sk_CMS_SignerInfo_num(signers) : 0;
    if (count == 0)
        return signature_say(evidence, SIGNATURE_MALFORMED, "nobody has signed this CMS message");
    if (count != 1)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "%d signers: exactly one is accepted", count);
    if (CMS_is_detached(cms) != 1)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "the content is inside: only detached signatures are accepted");
    *signer = sk_CMS_SignerInfo_value(signers, 0);
    if (CMS_signed_get_attr_count(*signer) <= 0)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "a signature without signed attributes is not accepted");
    ASN1_TYPE *type = cms_attribute(*signer, NID_pkcs9_contentType);
    if (!type || ASN1_TYPE_get(type) != V_ASN1_OBJECT || !cms_attribute(*signer, NID_pkcs9_messageDigest))
        return signature_say(evidence, SIGNATURE_MALFORMED, "content type and message digest must each be signed once");
    if (OBJ_cmp(type->value.object, CMS_get0_eContentType(cms)) != 0)
        return signature_say(evidence, SIGNATURE_MALFORMED, "the signed content type is not the message's");
    return true;
}

static bool cms_check_algorithms(CMS_SignerInfo *signer, X509 *cert, struct evidence_signature *evidence)
{
    X509_ALGOR *digest = NULL, *signature = NULL;
    char key[24];
    CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, &signature);
    const char *digest_name = algorithm_digest_name(OBJ_obj2nid(digest->algorithm));
    if (!digest_name)
        return signature_say(evidence, SIGNATURE_WEAK, "digest algorithm %s is not accepted",
                             OBJ_nid2sn(OBJ_obj2nid(digest->algorithm)));
    snprintf(evidence->digest, sizeof evidence->digest, "%s", digest_name);
    const char *signature_name = algorithm_signature_name(OBJ_obj2nid(signature->algorithm));
    if (!signature_name)
        return signature_say(evidence, SIGNATURE_WEAK, "signature algorithm %s is not accepted",
                             OBJ_nid2sn(OBJ_obj2nid(signature->algorithm)));
    enum rc rc = algorithm_check_key(X509_get0_pubkey(cert), key, sizeof key);
    snprintf(evidence->algorithm, sizeof evidence->algorithm, "%s %s", key, signature_name);
    if (rc)
        return signature_say(evidence, SIGNATURE_WEAK, "a key of type and size %s is not accepted", key);
    return true;
}

/* signing-certificate-v2 (RFC 5035): when it is there it must name the certificate that OpenSSL found. */
static bool cms_check_binding(CMS_ContentInfo *cms, CMS_SignerInfo *signer, X509 *cert,
                              struct evidence_signature *evidence)
{
    if (CMS_signed_get_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, -1) < 0)
        return true;
    ASN1_TYPE *value = cms_attribute(signer, NID_id_smime_aa_signingCertificateV2);
    if (!value || ASN1_TYPE_get(value) != V_ASN1_SEQUENCE)
        return signature_say(evidence, SIGNATURE_MALFORMED, "signing-certificate-v2 is malformed");
    const unsigned char *at = ASN1_STRING_get0_data(value->value.sequence);
    long len = ASN1_STRING_length(value->value.sequence);
    const unsigned char *end = at + len;
    ESS_SIGNING_CERT_V2 *named = d2i_ESS_SIGNING_CERT_V2(NULL, &at, len);
    STACK_OF(X509) *known = CMS_get1_certs(cms); /* it may name the issuers too */
    bool fits = named && at == end && known && sk_X509_unshift(known, cert) > 0 && X509_up_ref(cert) == 1 &&
                OSSL_ESS_check_signing_certs(NULL, named, known, 1) == 1;
    sk_X509_pop_free(known, X509_free);
    ESS_SIGNING_CERT_V2_free(named);
    if (!fits)
        return signature_say(evidence, SIGNATURE_CRYPTO_WRONG, "signing-certificate-v2 names another certificate");
    evidence->certificate_bound = true;
    return true;
}

static void cms_read_claimed_time(CMS_SignerInfo *signer, struct evidence_signature *evidence)
{
    ASN1_TYPE *value = cms_attribute(signer, NID_pkcs9_signingTime);
    ASN1_TIME *time = NULL;
    if (value && ASN1_TYPE_get(value) == V_ASN1_UTCTIME)
        time = value->value.utctime;
    else if (value && ASN1_TYPE_get(value) == V_ASN1_GENERALIZEDTIME)
        time = value->value.generalizedtime;
    int64_t seconds;
    if (cert_time(time, &seconds) == RC_OK)
        evidence->claimed_time = seconds;
}

static X509 *cms_find_cert(CMS_ContentInfo *cms, CMS_SignerInfo *signer)
{
    STACK_OF(X509) *certs = CMS_get1_certs(cms);
    X509 *found = NULL;
    for (int i = 0; !found && certs && i < sk_X509_num(certs); i++) {
        X509 *cert = sk_X509_value(certs, i);
        if (CMS_SignerInfo_cert_cmp(signer, cert) == 0 && X509_up_ref(cert) == 1)
            found = cert;
    }
    sk_X509_pop_free(certs, X509_free);
    return found;
}

static enum rc cms_check_signature(CMS_ContentInfo *cms, CMS_SignerInfo *signer, X509 *cert, struct bytes content,
                                   struct evidence_signature *evidence)
{
    BIO *bio = content_bio(content);
    STACK_OF(X509) *only = sk_X509_new_null();
    enum rc rc = bio && only && sk_X509_push(only, cert) > 0 ? RC_OK : RC_NOMEM;
    if (rc)
        goto out;
    unsigned flags = CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_BINARY | CMS_NOCRL;
    if (CMS_verify(cms, only, NULL, bio, NULL, flags) == 1)
        evidence->state = SIGNATURE_GOOD;
    else if (CMS_SignerInfo_verify(signer) == 1) /* the attributes are the signer's: then the content is not */
        signature_say(evidence, SIGNATURE_HASH_WRONG, "the content is not the one that was signed");
    else
        signature_say(evidence, SIGNATURE_CRYPTO_WRONG, "the signature is not the one of the certificate's key");
out:
    sk_X509_free(only);
    BIO_free_all(bio);
    return rc;
}

enum rc signature_cms_check(struct bytes signature, struct bytes content, struct evidence_signature *evidence,
                            X509 **cert)
{
    struct evidence_signature found = { .format = SIGNATURE_FORMAT_CMS };
    X509 *signers = NULL;
    enum rc rc = RC_OK;
    CMS_SignerInfo *signer = NULL;
    ERR_set_mark();
    CMS_ContentInfo *cms = cms_parse(signature);
    if (!cms) {
        signature_say(&found, SIGNATURE_MALFORMED, "this is not a CMS message");
        goto out;
    }
    if (content.len > INT32_MAX) {
        signature_say(&found, SIGNATURE_NOT_ALLOWED, "the content is too large");
        goto out;
    }
    if (!cms_check_shape(cms, &signer, &found))
        goto out;
    signers = cms_find_cert(cms, signer);
    if (!signers) {
        signature_say(&found, SIGNATURE_NO_CERTIFICATE, "the signer's certificate is not in the signature");
        goto out;
    }
    cms_read_claimed_time(signer, &found);
    if (!cms_check_algorithms(signer, signers, &found))
        goto out;
    rc = cms_check_signature(cms, signer, signers, content, &found);
    if (rc == RC_OK && found.state == SIGNATURE_GOOD && cms_check_binding(cms, signer, signers, &found))
        snprintf(found.covers, sizeof found.covers, "the whole content, %zu bytes", content.len);
out:
    CMS_ContentInfo_free(cms);
    ERR_pop_to_mark();
    if (rc) {
        X509_free(signers);
        return rc;
    }
    *evidence = found;
    *cert = signers;
    return RC_OK;
}
