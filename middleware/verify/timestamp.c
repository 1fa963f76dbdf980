/* timestamp.c — RFC 3161 through OpenSSL's TS: the token's signature, its authority's certificate and the imprint. */
#include "verify/timestamp.h"

#include "pki/cert.h"
#include "verify/algorithm.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

/* No honest authority is vaguer than an hour; a vaguer one proves too little to count. */
#define TIMESTAMP_ACCURACY_MAX 3600

static bool timestamp_say(struct evidence_timestamp *evidence, const char *reason)
{
    evidence->state = TIMESTAMP_BAD;
    snprintf(evidence->reason, sizeof evidence->reason, "%s", reason);
    return false;
}

/* The response is kept for its status; *token is owned by the caller in the case of a bare token only. */
static bool timestamp_parse(struct bytes file, TS_RESP **response, PKCS7 **token)
{
    const unsigned char *at = file.data;
    if (file.len == 0 || file.len > TIMESTAMP_MAX)
        return false;
    *response = d2i_TS_RESP(NULL, &at, (long)file.len);
    if (*response)
        return at == file.data + file.len;
    at = file.data;
    *token = d2i_PKCS7(NULL, &at, (long)file.len);
    return *token && at == file.data + file.len;
}

static X509_STORE *timestamp_store(const STACK_OF(X509) *anchors, int64_t at)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return NULL;
    X509_VERIFY_PARAM *rules = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_time(rules, (time_t)at);
    X509_VERIFY_PARAM_set_auth_level(rules, 2);
    bool good = X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    for (int i = 0; good && i < sk_X509_num(anchors); i++)
        good = X509_STORE_add_cert(store, sk_X509_value(anchors, i)) == 1;
    if (good)
        return store;
    X509_STORE_free(store);
    return NULL;
}

/* OpenSSL verifies tokens of any digest: these are ours. */
static bool timestamp_check_algorithms(PKCS7 *token, TS_TST_INFO *info, struct evidence_timestamp *evidence)
{
    const X509_ALGOR *imprint = TS_MSG_IMPRINT_get_algo(TS_TST_INFO_get_msg_imprint(info));
    STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(token);
    if (!signers || sk_PKCS7_SIGNER_INFO_num(signers) != 1)
        return timestamp_say(evidence, "a time-stamp has exactly one signer");
    const PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(signers, 0);
    if (!algorithm_digest_name(OBJ_obj2nid(imprint->algorithm)) ||
        !algorithm_digest_name(OBJ_obj2nid(signer->digest_alg->algorithm)))
        return timestamp_say(evidence, "the time-stamp uses a digest that is not accepted");
    return true;
}

static bool timestamp_read_time(TS_TST_INFO *info, struct evidence_timestamp *evidence)
{
    int64_t time;
    if (cert_time(TS_TST_INFO_get_time(info), &time))
        return timestamp_say(evidence, "the time-stamp's time cannot be read");
    const TS_ACCURACY *accuracy = TS_TST_INFO_get_accuracy((TS_TST_INFO *)info);
    long seconds = 0;
    if (accuracy) {
        const ASN1_INTEGER *whole = TS_ACCURACY_get_seconds(accuracy);
        seconds = whole ? ASN1_INTEGER_get(whole) : 0;
        seconds += TS_ACCURACY_get_millis(accuracy) || TS_ACCURACY_get_micros(accuracy);
    }
    if (seconds < 0 || seconds > TIMESTAMP_ACCURACY_MAX)
        return timestamp_say(evidence, "the time-stamp is too inaccurate");
    evidence->time = time + seconds;
    return true;
}

static enum rc timestamp_describe(PKCS7 *token, TS_TST_INFO *info, struct evidence_timestamp *evidence)
{
    BIGNUM *serial = ASN1_INTEGER_to_BN(TS_TST_INFO_get_serial(info), NULL);
    char *hex = serial ? BN_bn2hex(serial) : NULL;
    STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
    BIO *bio = BIO_new(BIO_s_mem());
    enum rc rc = hex && bio ? RC_OK : RC_NOMEM;
    if (rc)
        goto out;
    snprintf(evidence->serial, sizeof evidence->serial, "%.40s", hex);
    if (signers && sk_X509_num(signers) == 1) {
        X509_NAME_print_ex(bio, X509_get_subject_name(sk_X509_value(signers, 0)), 0,
                           XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
        int len = BIO_read(bio, evidence->authority, (int)sizeof evidence->authority - 1);
        evidence->authority[len > 0 ? len : 0] = '\0';
    }
out:
    sk_X509_free(signers);
    BIO_free(bio);
    OPENSSL_free(hex);
    BN_free(serial);
    return rc;
}

/* The words of OpenSSL's last error: they name what failed (imprint, certificate, status). */
static void timestamp_say_why(struct evidence_timestamp *evidence)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
    const char *words = ERR_reason_error_string(code);
    timestamp_say(evidence, "");
    snprintf(evidence->reason, sizeof evidence->reason, "the time-stamp does not verify: %s%s%.100s",
             words ? words : "unknown error", (flags & ERR_TXT_STRING) && data && *data ? ": " : "",
             (flags & ERR_TXT_STRING) && data ? data : "");
}

enum rc timestamp_check(struct bytes file, struct bytes over, const STACK_OF(X509) *anchors, int64_t at,
                        struct evidence_timestamp *evidence)
{
    struct evidence_timestamp found = { 0 };
    TS_RESP *response = NULL;
    PKCS7 *bare = NULL;
    TS_VERIFY_CTX *context = NULL;
    TS_TST_INFO *info = NULL;
    enum rc rc = RC_OK;
    ERR_set_mark();
    bool parsed = timestamp_parse(file, &response, &bare);
    PKCS7 *token = response ? TS_RESP_get_token(response) : bare;
    info = parsed && token && PKCS7_type_is_signed(token) ? PKCS7_to_TS_TST_INFO(token) : NULL;
    if (!info || over.len > INT32_MAX) {
        timestamp_say(&found, parsed && response && !token ? "the authority gave no time-stamp" : "this is not a time-stamp");
        goto out;
    }
    rc = RC_NOMEM;
    context = TS_VERIFY_CTX_new();
    X509_STORE *store = context ? timestamp_store(anchors, at) : NULL;
    if (!store)
        goto out;
    TS_VERIFY_CTX_set_store(context, store); /* taken */
    BIO *data = BIO_new_mem_buf(over.len ? (const void *)over.data : "", (int)over.len);
    if (!data)
        goto out;
    TS_VERIFY_CTX_set_data(context, data); /* taken */
    TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_DATA | TS_VFY_SIGNATURE);
    int good = response ? TS_RESP_verify_response(context, response) : TS_RESP_verify_token(context, token);
    rc = timestamp_describe(token, info, &found);
    if (rc == RC_OK && good != 1)
        timestamp_say_why(&found);
    else if (rc == RC_OK && timestamp_check_algorithms(token, info, &found) && timestamp_read_time(info, &found))
        found.state = TIMESTAMP_GOOD;
out:
    TS_VERIFY_CTX_free(context);
    TS_TST_INFO_free(info);
    TS_RESP_free(response);
    PKCS7_free(bare);
    ERR_pop_to_mark();
    if (rc == RC_OK)
        *evidence = found;
    return rc;
}
