/* sign_cms.c — OpenSSL makes the structure; here it is told what goes in, and the time comes from the house's clock. */
#include "sign/sign_cms.h"

#include <limits.h>
#include <openssl/err.h>

enum { SIGN_CMS_FLAGS = CMS_DETACHED | CMS_BINARY | CMS_CADES | CMS_NOSMIMECAP };

/* signing-time is UTCTime through 2049 (RFC 5652 §11.3); OpenSSL would otherwise put the machine's time. */
static enum rc sign_cms_add_time(CMS_SignerInfo *info, int64_t now)
{
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)now);
    if (!time)
        return RC_RANGE;
    int added = CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, ASN1_STRING_type(time), time, -1);
    ASN1_TIME_free(time);
    return added == 1 ? RC_OK : RC_NOMEM;
}

static enum rc sign_cms_encode(CMS_ContentInfo *cms, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_CMS_ContentInfo(cms, &der);
    if (len <= 0)
        return RC_CRYPTO;
    enum rc rc = buf_append(out, der, (size_t)len);
    OPENSSL_free(der);
    return rc;
}

enum rc sign_cms(const struct signatory *signer, struct bytes content, int64_t now, struct buf *out, struct err *err)
{
    enum rc rc = signatory_check(signer, now, err);
    if (rc)
        return rc;
    if (content.len > INT_MAX)
        return err_set(err, RC_RANGE, "the content is larger than 2 GiB");
    BIO *data = BIO_new_mem_buf(content.len ? (const void *)content.data : "", (int)content.len);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, signer->above, NULL, SIGN_CMS_FLAGS | CMS_PARTIAL);
    if (!data || !cms) {
        rc = RC_NOMEM;
        goto out;
    }
    CMS_SignerInfo *info = CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), SIGN_CMS_FLAGS);
    if (!info) {
        rc = signatory_failed(signer, "building the signature", err);
        goto out;
    }
    rc = sign_cms_add_time(info, now);
    if (rc)
        goto out;
    if (CMS_final(cms, data, NULL, SIGN_CMS_FLAGS) != 1) {
        rc = signatory_failed(signer, "signing", err);
        goto out;
    }
    rc = sign_cms_encode(cms, out);
out:
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    return rc;
}
